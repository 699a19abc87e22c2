package keyfile

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// PuTTY's own defaults.
const (
	ppkVersion      = 3
	ppkMemory       = 8192 // KiB
	ppkMilliseconds = 100
	ppkSalt         = 16 // bytes

	// minPPKWork is the least that a tenth of a second is taken for, in KiB
	// times passes: 13 passes over the usual memory, the fewest of PuTTY's that
	// were seen.
	minPPKWork = 13 * ppkMemory
)

// MarshalPPK writes a PuTTY private key file. An empty passphrase leaves it
// unencrypted. A certificate for the key may stand in the place of its public
// part; nil is none. The caller owns the result, which is secret.
func MarshalPPK(k *key.Private, certificate []byte, comment string, passphrase []byte, params PPKParams) ([]byte, error) {
	if bytes.ContainsAny([]byte(comment), "\r\n\x00") {
		return nil, errors.New("a PuTTY key's comment can't hold a line break or a NUL")
	}
	p, err := newPPK(k, certificate)
	if err != nil {
		return nil, err
	}
	if params, err = params.withDefaults(); err != nil {
		return nil, err
	}
	p.Version, p.Comment, p.kdf, p.encrypted = params.Version, comment, params, len(passphrase) > 0
	defer clear(p.private)
	if err := p.seal(passphrase); err != nil {
		return nil, err
	}
	return p.encode(), nil
}

// marshalPPK is the marshal of [FormatPPK].
func marshalPPK(k *key.Private, comment string, passphrase []byte, e Encryption) ([]byte, error) {
	if lookupParts(k.Public().Type()) == nil {
		return nil, cantHold(FormatPPK, k)
	}
	if e.Cipher != "" && e.Cipher != ppkCipher {
		return nil, fmt.Errorf("PuTTY keys can't be encrypted with %q, only with %s", e.Cipher, ppkCipher)
	}
	return MarshalPPK(k, nil, comment, passphrase, PPKParams{})
}

// newPPK arranges the two halves; the private one is still plain.
func newPPK(k *key.Private, certificate []byte) (*PPK, error) {
	halves, err := splitKey(k)
	if err != nil {
		return nil, err
	}
	halves.largerFirst()
	p := &PPK{Algorithm: halves.name, Public: k.Public().Blob()}
	for _, f := range halves.private {
		p.private = wire.AppendString(p.private, f)
	}
	if certificate == nil {
		return p, nil
	}
	certified, err := CertifiedKey(certificate)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(certified, p.Public) {
		return nil, errors.New("the certificate is for another key")
	}
	r := wire.NewReader(certificate)
	p.Algorithm, p.Public = r.String(), certificate
	return p, nil
}

func (k PPKParams) withDefaults() (PPKParams, error) {
	if k.Version == 0 {
		k.Version = ppkVersion
	}
	if k.Version < 2 || k.Version > 3 {
		return k, fmt.Errorf("PuTTY keys of version %d are not written, only 2 and 3", k.Version)
	}
	if k.KDF == "" {
		k.KDF = Argon2id
	}
	if lookupPPKHash(k.KDF) == nil {
		return k, fmt.Errorf("unknown key derivation %q", k.KDF)
	}
	if k.Memory == 0 {
		k.Memory = ppkMemory
	}
	if k.Parallelism == 0 {
		k.Parallelism = 1
	}
	if k.Milliseconds == 0 {
		k.Milliseconds = ppkMilliseconds
	}
	checked := k
	checked.Passes = max(k.Passes, 1)
	// What isn't read isn't written.
	if err := checked.check(); err != nil {
		return k, fmt.Errorf("these parameters make a file that is not read back: %s", err.(*FormatError).Reason)
	}
	return k, nil
}

// seal pads, encrypts and sums the private half.
func (p *PPK) seal(passphrase []byte) error {
	if p.encrypted && p.Version == 3 {
		if p.salt == nil {
			p.salt = make([]byte, ppkSalt)
			rand.Read(p.salt)
		}
		if p.kdf.Passes == 0 {
			passes, err := p.kdf.choosePasses()
			if err != nil {
				return err
			}
			p.kdf.Passes = passes
		}
	}
	keys, err := p.derive(passphrase)
	if err != nil {
		return err
	}
	defer keys.clear()
	if p.encrypted {
		p.private = padPPK(p.private)
	}
	p.mac = keys.sum(p, p.private)
	if p.encrypted {
		keys.encrypt(p.private)
	}
	return nil
}

// padPPK appends the beginning of a hash, as PuTTY does; nobody checks it but
// the MAC.
func padPPK(b []byte) []byte {
	h := sha1.Sum(b)
	return append(b, h[:(ppkBlock-len(b)%ppkBlock)%ppkBlock]...)
}

// choosePasses measures how many passes take as long as is asked for. The best
// of its runs counts, because on a busy machine the others say little; and a
// busy machine must not make weaker files than PuTTY does.
func (k PPKParams) choosePasses() (uint32, error) {
	target := time.Duration(k.Milliseconds) * time.Millisecond
	limit := uint32(maxPPKWork / k.Memory)
	best := target
	for k.Passes = 1; k.Passes <= limit; k.Passes *= 2 {
		begin := time.Now()
		if _, err := lookupPPKHash(k.KDF)([]byte("measure"), make([]byte, ppkSalt), k); err != nil {
			return 0, err
		}
		took := max(time.Since(begin), time.Microsecond)
		best = min(best, took/time.Duration(k.Passes))
		if took >= target/2 {
			break
		}
	}
	passes := uint64(target / max(best, time.Microsecond))
	if k.Milliseconds >= ppkMilliseconds {
		passes = max(passes, minPPKWork/uint64(k.Memory))
	}
	return uint32(min(max(passes, 1), uint64(limit))), nil
}

func (p *PPK) encode() []byte {
	var b bytes.Buffer
	encryption := "none"
	if p.encrypted {
		encryption = ppkCipher
	}
	fmt.Fprintf(&b, ppkMagic+"%d: %s\nEncryption: %s\nComment: %s\n", p.Version, p.Algorithm, encryption, p.Comment)
	writeLines(&b, "Public-Lines", p.Public)
	if p.encrypted && p.Version == 3 {
		fmt.Fprintf(&b, "Key-Derivation: %s\nArgon2-Memory: %d\nArgon2-Passes: %d\nArgon2-Parallelism: %d\nArgon2-Salt: %x\n",
			p.kdf.KDF, p.kdf.Memory, p.kdf.Passes, p.kdf.Parallelism, p.salt)
	}
	writeLines(&b, "Private-Lines", p.private)
	fmt.Fprintf(&b, "Private-MAC: %s\n", p.mac)
	return b.Bytes()
}

// writeLines writes how many lines there are, and the lines.
func writeLines(b *bytes.Buffer, name string, data []byte) {
	text := base64.StdEncoding.EncodeToString(data)
	fmt.Fprintf(b, "%s: %d\n", name, (len(text)+ppkColumns-1)/ppkColumns)
	writeWrapped(b, text, ppkColumns)
}

// writeWrapped writes text in lines of so many columns.
func writeWrapped(b *bytes.Buffer, text string, columns int) {
	for len(text) > columns {
		b.WriteString(text[:columns] + "\n")
		text = text[columns:]
	}
	if text != "" {
		b.WriteString(text + "\n")
	}
}
