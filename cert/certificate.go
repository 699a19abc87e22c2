package cert

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// A Kind says whom a certificate is for.
type Kind uint32

// The kinds there are.
const (
	User Kind = 1
	Host Kind = 2
)

func (k Kind) String() string {
	switch k {
	case User:
		return "user"
	case Host:
		return "host"
	}
	return fmt.Sprintf("kind %d", uint32(k))
}

// Forever is the ValidBefore of a certificate that doesn't expire.
const Forever uint64 = math.MaxUint64

// An Option is a critical option or an extension. Data is what the certificate
// holds: empty, or a string within the string.
type Option struct {
	Name, Data string
}

// Contents are what an authority signs about a key. The zero times mean from
// always to never: ValidBefore must be Forever for that, or a time.
type Contents struct {
	Key        key.Public
	Serial     uint64
	Kind       Kind
	KeyID      string   // for people and logs
	Principals []string // user names or host names; without any it is of no use
	// The certificate holds from ValidAfter up to, not including, ValidBefore,
	// in seconds since 1970.
	ValidAfter, ValidBefore uint64
	Critical, Extensions    []Option
}

// A Certificate is a key.Public of a key that an authority has signed contents
// about. It is immutable: nobody changes it, or what it refers to. Its signature
// was checked, its contents were not: see [Verify].
type Certificate struct {
	Contents
	// Authority is the key that signed.
	Authority key.Public
	// SignatureAlgorithm is what it signed with.
	SignatureAlgorithm string

	typ  *certType
	blob []byte
}

var _ key.Public = (*Certificate)(nil)

// ErrNested refuses a certificate that is signed by a certificate, or holds one.
var ErrNested = errors.New("certificate in a certificate")

// Parse reads a certificate's wire encoding, all of it, and checks the
// authority's signature; blob is copied. A blob of another type gives a
// *[key.UnsupportedError].
func Parse(blob []byte) (*Certificate, error) {
	if len(blob) > MaxBlob {
		return nil, fmt.Errorf("certificate is %d bytes long, at most %d are read", len(blob), MaxBlob)
	}
	blob = bytes.Clone(blob)
	r := wire.NewReader(blob)
	name := r.Bytes()
	if err := r.Err(); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	t := lookup(string(name))
	if t == nil {
		return nil, &key.UnsupportedError{Type: string(name)}
	}
	c := &Certificate{typ: t, blob: blob}
	if err := c.parse(&r); err != nil {
		return nil, fmt.Errorf("%s certificate: %w", key.ShortName(t.key), err)
	}
	return c, nil
}

// ParsePublic reads a plain key or a certificate: it is key.ParsePublic for
// those who take both.
func ParsePublic(blob []byte) (key.Public, error) {
	r := wire.NewReader(blob)
	if name := r.Bytes(); r.Err() == nil && lookup(string(name)) != nil {
		c, err := Parse(blob)
		if err != nil {
			return nil, err
		}
		return c, nil
	}
	return key.ParsePublic(blob)
}

// parse reads what follows the type (PROTOCOL.certkeys).
func (c *Certificate) parse(r *wire.Reader) (err error) {
	r.Bytes() // nonce
	plain := wire.AppendString(nil, c.typ.key)
	for range c.typ.fields {
		plain = wire.AppendString(plain, r.Bytes())
	}
	if r.Err() != nil {
		return r.Err()
	}
	if c.Key, err = key.ParsePublic(plain); err != nil {
		return err
	}
	c.Serial, c.Kind = r.Uint64(), Kind(r.Uint32())
	c.KeyID = r.String()
	principals := r.Bytes()
	c.ValidAfter, c.ValidBefore = r.Uint64(), r.Uint64()
	critical, extensions := r.Bytes(), r.Bytes()
	r.Bytes() // reserved
	authority := r.Bytes()
	signed := len(c.blob) - r.Len()
	signature := r.Bytes()
	if err := r.End(); err != nil {
		return err
	}
	if c.Principals, err = parseNames(principals); err != nil {
		return fmt.Errorf("principals: %w", err)
	}
	if c.Critical, err = parseOptions(critical); err != nil {
		return fmt.Errorf("critical options: %w", err)
	}
	if c.Extensions, err = parseOptions(extensions); err != nil {
		return fmt.Errorf("extensions: %w", err)
	}
	return c.verifySignature(authority, c.blob[:signed], signature)
}

func (c *Certificate) verifySignature(authority, signed, signature []byte) error {
	k, err := parseAuthority(authority)
	if err != nil {
		return err
	}
	r := wire.NewReader(signature)
	algorithm := r.String()
	if err := r.Err(); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	c.Authority, c.SignatureAlgorithm = k, algorithm
	return verifyUntouched(k, algorithm, signed, signature)
}

// parseAuthority refuses a certificate before it looks into it.
func parseAuthority(blob []byte) (key.Public, error) {
	r := wire.NewReader(blob)
	if name := r.Bytes(); r.Err() == nil && lookup(string(name)) != nil {
		return nil, fmt.Errorf("authority: %w", ErrNested)
	}
	k, err := key.ParsePublic(blob)
	if err != nil {
		return nil, fmt.Errorf("authority: %w", err)
	}
	return k, nil
}

// verifyUntouched is Verify for signatures that were made at another time, where
// whether somebody touched a security key is not for us to ask.
func verifyUntouched(k key.Public, algorithm string, data, signature []byte) error {
	if sk, ok := k.(*key.SK); ok {
		_, _, err := sk.VerifySK(algorithm, data, signature)
		return err
	}
	return k.Verify(algorithm, data, signature)
}

// parseNames reads strings packed into a string.
func parseNames(b []byte) ([]string, error) {
	var names []string
	r := wire.NewReader(b)
	for r.Len() > 0 {
		if len(names) == MaxPrincipals {
			return nil, fmt.Errorf("there are more than %d", MaxPrincipals)
		}
		name := r.Bytes()
		if r.Err() != nil {
			return nil, r.Err()
		}
		if bytes.IndexByte(name, 0) >= 0 {
			return nil, errors.New("one has a NUL in it")
		}
		names = append(names, string(name))
	}
	return names, nil
}

// parseOptions reads pairs of strings. The same name twice is refused: which of
// the two counts should not depend on the reader.
func parseOptions(b []byte) ([]Option, error) {
	var options []Option
	r := wire.NewReader(b)
	for r.Len() > 0 {
		if len(options) == MaxOptions {
			return nil, fmt.Errorf("there are more than %d", MaxOptions)
		}
		o := Option{r.String(), r.String()}
		if r.Err() != nil {
			return nil, r.Err()
		}
		for _, other := range options {
			if other.Name == o.Name {
				return nil, fmt.Errorf("%q is there twice", o.Name)
			}
		}
		options = append(options, o)
	}
	return options, nil
}

// Type implements key.Public: "ssh-ed25519-cert-v01@openssh.com".
func (c *Certificate) Type() string { return certified(c.typ.key) }

// Blob implements key.Public.
func (c *Certificate) Blob() []byte { return c.blob }

// Algorithms implements key.Public with the names that certificates negotiate.
func (c *Certificate) Algorithms() []string { return c.typ.certified() }

// Bits implements key.Public.
func (c *Certificate) Bits() int { return c.Key.Bits() }

// Crypto implements key.Public.
func (c *Certificate) Crypto() crypto.PublicKey { return c.Key.Crypto() }

// Verify implements key.Public: it checks a signature made with the certified
// key. Whether the certificate itself is worth anything is for the function
// [Verify] to say.
func (c *Certificate) Verify(algorithm string, data, signature []byte) error {
	plain, err := c.plain(algorithm)
	if err != nil {
		return fmt.Errorf("%w: %v", key.ErrSignature, err)
	}
	return c.Key.Verify(plain, data, signature)
}

// plain is the key's algorithm behind one of the certificate's.
func (c *Certificate) plain(algorithm string) (string, error) {
	for _, name := range c.typ.plain() {
		if certified(name) == algorithm {
			return name, nil
		}
	}
	return "", fmt.Errorf("a %s certificate makes no %q signatures", key.ShortName(c.typ.key), algorithm)
}

// PlainKey returns the key in a certificate, and any other key as it is.
func PlainKey(k key.Public) key.Public {
	if c, ok := k.(*Certificate); ok {
		return c.Key
	}
	return k
}

// Expires is when the certificate ends; zero: never.
func (c *Contents) Expires() time.Time { return moment(c.ValidBefore) }

// moment reads seconds; those beyond what time takes are never.
func moment(seconds uint64) time.Time {
	if seconds > math.MaxInt64/2 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0)
}
