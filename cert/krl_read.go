package cert

import (
	"crypto/sha1"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// The numbers of PROTOCOL.krl.
const (
	krlMagic   = "SSHKRL\n\x00"
	krlVersion = 1

	sectionCertificates = 1
	sectionKeys         = 2
	sectionSHA1         = 3
	sectionSignature    = 4
	sectionSHA256       = 5
	sectionExtension    = 255

	certSerials   = 0x20
	certRange     = 0x21
	certBitmap    = 0x22
	certIDs       = 0x23
	certExtension = 0x39
)

// ErrNotKRL says that a file is not a revocation list in binary form; it may be
// a list of keys as text.
var ErrNotKRL = errors.New("file is not a key revocation list")

// ParseKRL reads a revocation list. Sections that are unknown are an error: what
// they revoke would be let pass. Signatures, which OpenSSH no longer makes, must
// be right where there are any; nothing is trusted because of them.
func ParseKRL(b []byte) (*KRL, error) {
	if len(b) > MaxKRL {
		return nil, fmt.Errorf("revocation list is %d bytes long, at most %d are read", len(b), MaxKRL)
	}
	r := wire.NewReader(b)
	if string(r.Take(len(krlMagic))) != krlMagic {
		return nil, ErrNotKRL
	}
	if v := r.Uint32(); v != krlVersion {
		return nil, fmt.Errorf("revocation list has format version %d, %d is known", v, krlVersion)
	}
	l := new(KRL)
	l.Version, l.Generated = r.Uint64(), r.Uint64()
	r.Uint64() // flags: none are known, all are ignored
	r.Bytes()  // reserved
	l.Comment = r.String()
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("revocation list: %w", err)
	}
	if err := l.sections(b, &r); err != nil {
		return nil, fmt.Errorf("revocation list: %w", err)
	}
	for _, a := range l.authorities {
		a.sort()
	}
	return l, nil
}

func (l *KRL) sections(b []byte, r *wire.Reader) error {
	signed := false
	for r.Len() > 0 {
		kind, data := r.Byte(), r.Bytes()
		if err := r.Err(); err != nil {
			return err
		}
		if signed && kind != sectionSignature {
			return errors.New("there is something behind its signature")
		}
		if kind == sectionSignature {
			signed = true
			signature := r.Bytes()
			if err := r.Err(); err != nil {
				return err
			}
			upTo := len(b) - r.Len() - 4 - len(signature)
			if err := checkKRLSignature(data, b[:upTo], signature); err != nil {
				return err
			}
			continue
		}
		if err := l.section(kind, data); err != nil {
			return err
		}
	}
	return nil
}

func checkKRLSignature(blob, signed, signature []byte) error {
	k, err := parseAuthority(blob)
	if err != nil {
		return err
	}
	s := wire.NewReader(signature)
	algorithm := s.String()
	if s.Err() != nil {
		return s.Err()
	}
	return verifyUntouched(k, algorithm, signed, signature)
}

func (l *KRL) section(kind byte, data []byte) error {
	r := wire.NewReader(data)
	switch kind {
	case sectionCertificates:
		return l.certificates(&r)
	case sectionKeys:
		return each(&r, func(blob []byte) error {
			k, err := key.ParsePublic(blob)
			if err != nil {
				return err
			}
			l.RevokeKey(k)
			return nil
		})
	case sectionSHA1:
		return each(&r, func(digest []byte) error {
			if len(digest) != sha1.Size {
				return errors.New("a SHA1 digest has the wrong length")
			}
			l.RevokeSHA1([sha1.Size]byte(digest))
			return nil
		})
	case sectionSHA256:
		return each(&r, func(digest []byte) error {
			if len(digest) != sha256.Size {
				return errors.New("a SHA256 digest has the wrong length")
			}
			l.RevokeSHA256([sha256.Size]byte(digest))
			return nil
		})
	case sectionExtension:
		return extension(&r)
	}
	return fmt.Errorf("section %d is not known", kind)
}

func each(r *wire.Reader, do func([]byte) error) error {
	for r.Len() > 0 {
		b := r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		if err := do(b); err != nil {
			return err
		}
	}
	return nil
}

// extension passes over what isn't critical: none are known.
func extension(r *wire.Reader) error {
	name, critical := r.Bytes(), r.Bool()
	r.Bytes()
	if err := r.End(); err != nil {
		return err
	}
	if critical {
		return fmt.Errorf("critical extension %q is not known", name)
	}
	return nil
}

// certificates reads the section of one authority.
func (l *KRL) certificates(r *wire.Reader) error {
	blob := r.Bytes()
	r.Bytes() // reserved
	if err := r.Err(); err != nil {
		return err
	}
	var authority key.Public
	if len(blob) > 0 {
		k, err := parseAuthority(blob)
		if err != nil {
			return err
		}
		authority = k
	}
	a, err := l.of(authority)
	if err != nil {
		return err
	}
	for r.Len() > 0 {
		kind, data := r.Byte(), r.Bytes()
		if r.Err() != nil {
			return r.Err()
		}
		part := wire.NewReader(data)
		if err := l.certPart(a, kind, &part); err != nil {
			return err
		}
	}
	return nil
}

func (l *KRL) certPart(a *revokedCerts, kind byte, r *wire.Reader) error {
	switch kind {
	case certSerials:
		for r.Len() > 0 {
			if err := l.addSpan(a, r, r.Uint64(), 0); err != nil {
				return err
			}
		}
		return nil
	case certRange:
		lo, hi := r.Uint64(), r.Uint64()
		if err := r.End(); err != nil {
			return err
		}
		if hi < lo {
			return errors.New("a range of serials ends before it begins")
		}
		return l.addSpan(a, r, lo, hi)
	case certBitmap:
		offset, bitmap := r.Uint64(), r.Bytes()
		if err := r.End(); err != nil {
			return err
		}
		return l.addBitmap(a, offset, bitmap)
	case certIDs:
		return each(r, func(id []byte) error { return l.RevokeID(a.authority, string(id)) })
	case certExtension:
		return extension(r)
	}
	return fmt.Errorf("section %#x of an authority is not known", kind)
}

// addSpan adds from lo to hi, or lo alone with hi 0.
func (l *KRL) addSpan(a *revokedCerts, r *wire.Reader, lo, hi uint64) error {
	if r.Err() != nil {
		return r.Err()
	}
	if hi == 0 {
		hi = lo
	}
	return l.add(a, span{lo, hi})
}

// addBitmap adds a serial for each bit that is set in a big-endian number.
func (l *KRL) addBitmap(a *revokedCerts, offset uint64, bitmap []byte) error {
	for len(bitmap) > 0 && bitmap[0] == 0 {
		bitmap = bitmap[1:]
	}
	if len(bitmap)*8 > maxBitmap {
		return fmt.Errorf("a bitmap has %d bits, at most %d are read", len(bitmap)*8, maxBitmap)
	}
	if len(bitmap) > 0 && offset+uint64(len(bitmap)-1)*8+uint64(bits.Len8(bitmap[0])-1) < offset {
		return errors.New("a bitmap goes beyond the last serial")
	}
	for i := len(bitmap) - 1; i >= 0; i-- {
		base := offset + uint64(len(bitmap)-1-i)*8
		for bit := range uint64(8) {
			if bitmap[i]>>bit&1 == 0 {
				continue
			}
			if err := l.add(a, span{base + bit, base + bit}); err != nil {
				return err
			}
		}
	}
	return nil
}
