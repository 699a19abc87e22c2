package keyfile

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// ppkMagic is what a PuTTY key file begins with; its version follows.
const ppkMagic = "PuTTY-User-Key-File-"

// A PPK is a PuTTY private key file as it was read, still closed. It is not
// safe for concurrent use.
type PPK struct {
	Version   int    // 2 or 3
	Algorithm string // the type of Public, a certificate's where it is one
	Comment   string // as found, from outside: escape before printing
	// Public is a public key's blob or a certificate's. It belongs to the PPK.
	Public []byte

	encrypted bool
	kdf       PPKParams
	salt      []byte
	private   []byte // encrypted and padded, or plain
	mac       string // hexadecimal
}

// PPKParams say how a PPK is written. The zero value is what PuTTY does: version
// 3, Argon2id over 8 MiB for about a tenth of a second.
type PPKParams struct {
	Version     int     // 0: 3
	KDF         PPKHash // "": Argon2id
	Memory      uint32  // KiB; 0: 8192
	Passes      uint32  // 0: as many as fit into Milliseconds
	Parallelism uint32  // 0: 1
	// Milliseconds are what opening the file shall cost; 0: 100.
	Milliseconds uint32
}

// A PPKHash is one of the password hashes of a PPK, by its name in the file.
type PPKHash string

// The password hashes of version 3.
const (
	Argon2id PPKHash = "Argon2id"
	Argon2i  PPKHash = "Argon2i"
	Argon2d  PPKHash = "Argon2d"
)

func isPPK(text []byte) bool { return bytes.HasPrefix(text, []byte(ppkMagic)) }

// parsePPK is the parse of [FormatPPK].
func parsePPK(text []byte) (*sealed, error) {
	p, err := ParsePPK(text)
	if err != nil {
		return nil, err
	}
	public, err := p.Key()
	if err != nil {
		return nil, unusable(err)
	}
	return &sealed{public: public, comment: p.Comment, encrypted: p.encrypted, open: func(passphrase []byte) (*key.Private, string, error) {
		k, err := p.Open(passphrase)
		return k, p.Comment, err
	}}, nil
}

// Encrypted reports whether Open needs a passphrase.
func (p *PPK) Encrypted() bool { return p.encrypted }

// Params are how the file was written. Of an unencrypted file, or one of version
// 2, they are no more than the version.
func (p *PPK) Params() PPKParams { return p.kdf }

// Key returns the public key, of a certificate the one that is certified.
func (p *PPK) Key() (key.Public, error) {
	blob, err := CertifiedKey(p.Public)
	if err != nil {
		return nil, err
	}
	return key.ParsePublic(blob)
}

// Open decrypts the private part and checks the whole file against its MAC. The
// passphrase is not looked at where the file isn't encrypted. A wrong one gives
// a *[PassphraseError]; a changed file does so too, unless it is not encrypted:
// then the error is a *[FormatError].
func (p *PPK) Open(passphrase []byte) (*key.Private, error) {
	if p.encrypted && len(passphrase) == 0 {
		return nil, p.wrong() // nothing is encrypted under an empty one
	}
	keys, err := p.derive(passphrase)
	if err != nil {
		return nil, err
	}
	defer keys.clear()
	plain := append([]byte(nil), p.private...)
	defer clear(plain)
	if p.encrypted {
		keys.decrypt(plain)
	}
	if !keys.verify(p, plain) {
		if p.encrypted {
			return nil, p.wrong()
		}
		return nil, malformed("MAC failed: the file was changed since it was written", nil)
	}
	return p.join(plain)
}

func (p *PPK) wrong() error {
	e := &PassphraseError{Wrong: true}
	e.Public, _ = p.Key()
	return e
}

// join makes the key of both halves.
func (p *PPK) join(plain []byte) (*key.Private, error) {
	blob, err := CertifiedKey(p.Public)
	if err != nil {
		return nil, malformed("its public key is damaged", err)
	}
	public, err := fields(blob)
	if err != nil {
		return nil, malformed("its public key is damaged", err)
	}
	halves := &parts{name: string(public[0]), public: public[1:]}
	if halves.private, err = ppkPrivate(halves.name, plain); err != nil {
		return nil, malformed("its private key is damaged", err)
	}
	k, err := halves.join()
	if err != nil {
		return nil, unusable(err)
	}
	return k, nil
}

// ppkPrivate reads the private fields, behind which there may be padding.
func ppkPrivate(name string, plain []byte) ([][]byte, error) {
	form := lookupParts(name)
	if form == nil {
		return nil, &key.UnsupportedError{Type: name}
	}
	r := wire.NewReader(plain)
	list := make([][]byte, form.private)
	for i := range list {
		list[i] = r.Bytes()
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	if r.Len() >= ppkBlock {
		return nil, errors.New("something follows it")
	}
	return list, nil
}

// certifiedFields is how many fields of a certificate are the key's: they stand
// behind the type and the nonce (PROTOCOL.certkeys).
var certifiedFields = [...]struct {
	certificate, key string
	fields           int
}{
	{"ssh-ed25519-cert-v01@openssh.com", key.TypeEd25519, 1},
	{"ecdsa-sha2-nistp256-cert-v01@openssh.com", key.TypeECDSA256, 2},
	{"ecdsa-sha2-nistp384-cert-v01@openssh.com", key.TypeECDSA384, 2},
	{"ecdsa-sha2-nistp521-cert-v01@openssh.com", key.TypeECDSA521, 2},
	{"ssh-rsa-cert-v01@openssh.com", key.TypeRSA, 2},
	{"ssh-dss-cert-v01@openssh.com", key.TypeDSA, 4},
}

// IsCertificate reports whether a public blob is an OpenSSH certificate for a
// key type that private key files exist for.
func IsCertificate(blob []byte) bool {
	r := wire.NewReader(blob)
	return certifiedType(r.String()) != ""
}

// certifiedType is the type of the key in a certificate, or "".
func certifiedType(certificate string) string {
	for _, c := range certifiedFields {
		if c.certificate == certificate {
			return c.key
		}
	}
	return ""
}

// CertifiedKey returns the blob of the key in a certificate; another blob is
// returned as it is. Nothing is verified.
func CertifiedKey(blob []byte) ([]byte, error) {
	r := wire.NewReader(blob)
	name := r.String()
	for _, c := range certifiedFields {
		if c.certificate != name {
			continue
		}
		r.Bytes() // nonce
		base := wire.AppendString(nil, c.key)
		for range c.fields {
			base = wire.AppendString(base, r.Bytes())
		}
		if err := r.Err(); err != nil {
			return nil, fmt.Errorf("certificate: %w", err)
		}
		return base, nil
	}
	return blob, r.Err()
}
