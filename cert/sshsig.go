package cert

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// The constants of PROTOCOL.sshsig.
const (
	sigMagic   = "SSHSIG"
	sigVersion = 1
	sigBegin   = "-----BEGIN SSH SIGNATURE-----"
	sigEnd     = "-----END SSH SIGNATURE-----"
	sigColumns = 70 // of base64

	// DefaultSignatureHash is what messages are hashed with unless told.
	DefaultSignatureHash = "sha512"
)

// A Signature is a signature over a message, for a namespace: one made for
// "file" can't pass for one made for "git". It is a plain value.
type Signature struct {
	Key       key.Public // a plain key or a certificate
	Namespace string
	Hash      string // "sha512" or "sha256"
	Blob      []byte // the signature itself: string algorithm, string signature
}

// Errors of signatures.
var (
	ErrNoHeader  = errors.New("couldn't parse signature: missing header")
	ErrNoFooter  = errors.New("couldn't parse signature: missing footer")
	ErrNamespace = errors.New("couldn't verify signature: namespace does not match")
)

// newHash returns the hash of a name, nil for one that isn't allowed.
func newHash(name string) hash.Hash {
	switch name {
	case "sha512":
		return sha512.New()
	case "sha256":
		return sha256.New()
	}
	return nil
}

// signed is what is signed, and what is stored is like it.
func (s *Signature) signed(digest []byte) []byte {
	b := append(make([]byte, 0, 128), sigMagic...)
	b = wire.AppendString(b, s.Namespace)
	b = wire.AppendString(b, "") // reserved
	b = wire.AppendString(b, s.Hash)
	return wire.AppendString(b, digest)
}

func digestOf(name string, message io.Reader) ([]byte, error) {
	h := newHash(name)
	if h == nil {
		return nil, fmt.Errorf("hash algorithm %q is not sha256 or sha512", name)
	}
	if _, err := io.Copy(h, message); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}

// SignMessage signs all that message holds for a namespace, which must not be
// empty. An empty hash name means [DefaultSignatureHash]. RSA keys sign with
// SHA-512.
func SignMessage(ctx context.Context, signer key.Signer, namespace, hashName string, message io.Reader) (*Signature, error) {
	if namespace == "" || len(namespace) > maxNamespace {
		return nil, errors.New("a signature needs a namespace")
	}
	if hashName == "" {
		hashName = DefaultSignatureHash
	}
	s := &Signature{Key: signer.Public(), Namespace: namespace, Hash: hashName}
	digest, err := digestOf(hashName, message)
	if err != nil {
		return nil, err
	}
	s.Blob, err = signer.Sign(ctx, s.Key.Algorithms()[0], s.signed(digest))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Verify checks that the signature is one over message, for a namespace, by
// s.Key. Who that is, and whether it may sign, is for [AllowedSigners].
func (s *Signature) Verify(namespace string, message io.Reader) error {
	if namespace == "" || s.Namespace != namespace {
		return ErrNamespace
	}
	digest, err := digestOf(s.Hash, message)
	if err != nil {
		return err
	}
	r := wire.NewReader(s.Blob)
	algorithm := r.String()
	if err := r.Err(); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	if algorithm == key.AlgRSASHA1 {
		return fmt.Errorf("couldn't verify signature: unsupported signature algorithm %s", algorithm)
	}
	return verifyUntouched(PlainKey(s.Key), algorithm, s.signed(digest), s.Blob)
}

// Marshal is the binary form.
func (s *Signature) Marshal() []byte {
	b := append(make([]byte, 0, 512), sigMagic...)
	b = wire.AppendUint32(b, sigVersion)
	b = wire.AppendString(b, s.Key.Blob())
	b = wire.AppendString(b, s.Namespace)
	b = wire.AppendString(b, "") // reserved
	b = wire.AppendString(b, s.Hash)
	return wire.AppendString(b, s.Blob)
}

// Armor is the form that files have, with its final newline.
func (s *Signature) Armor() []byte {
	var b bytes.Buffer
	b.WriteString(sigBegin + "\n")
	text := base64.StdEncoding.EncodeToString(s.Marshal())
	for len(text) > 0 {
		n := min(sigColumns, len(text))
		b.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	b.WriteString(sigEnd + "\n")
	return b.Bytes()
}

// ParseSignature reads the binary form, all of it. Nothing of b is kept.
func ParseSignature(b []byte) (*Signature, error) {
	if len(b) > MaxSignature {
		return nil, fmt.Errorf("signature is %d bytes long, at most %d are read", len(b), MaxSignature)
	}
	r := wire.NewReader(b)
	if string(r.Take(len(sigMagic))) != sigMagic {
		return nil, errors.New("couldn't parse signature: it has no SSHSIG magic")
	}
	if v := r.Uint32(); r.Err() == nil && v > sigVersion {
		return nil, fmt.Errorf("signature version %d is larger than supported version %d", v, sigVersion)
	}
	blob := r.Bytes()
	s := &Signature{Namespace: r.String()}
	r.Bytes() // reserved
	s.Hash = r.String()
	s.Blob = bytes.Clone(r.Bytes())
	if err := r.End(); err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	if newHash(s.Hash) == nil {
		return nil, fmt.Errorf("couldn't verify signature: unsupported hash algorithm %q", s.Hash)
	}
	var err error
	s.Key, err = ParsePublic(blob)
	return s, err
}

// Dearmor reads the form that files have. What stands behind the end is not
// looked at.
func Dearmor(text []byte) (*Signature, error) {
	if len(text) > MaxSignature {
		return nil, fmt.Errorf("signature is %d bytes long, at most %d are read", len(text), MaxSignature)
	}
	rest, ok := bytes.CutPrefix(text, []byte(sigBegin+"\n"))
	if !ok {
		if rest, ok = bytes.CutPrefix(text, []byte(sigBegin+"\r\n")); !ok {
			return nil, ErrNoHeader
		}
	}
	body, _, ok := bytes.Cut(rest, []byte("\n"+sigEnd))
	if !ok {
		return nil, ErrNoFooter
	}
	b, err := base64.StdEncoding.AppendDecode(nil, bytes.ReplaceAll(body, []byte(" "), nil))
	if err != nil {
		return nil, fmt.Errorf("decode base64: %w", err)
	}
	return ParseSignature(b)
}
