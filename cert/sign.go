package cert

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

const nonceSize = 32

// Sign issues a certificate. The authority is any signer: a key file, a key in
// an agent, a service. With an empty algorithm the authority's best is used.
// What [Verify] refuses for everybody is refused here already: no principals,
// no validity, a certificate as key or authority.
func Sign(ctx context.Context, authority key.Signer, algorithm string, c Contents) (*Certificate, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	ca := authority.Public()
	if _, nested := ca.(*Certificate); nested {
		return nil, fmt.Errorf("authority: %w", ErrNested)
	}
	if algorithm == "" {
		algorithm = ca.Algorithms()[0]
	}
	var nonce [nonceSize]byte
	rand.Read(nonce[:])
	b := c.appendSigned(nil, nonce[:], ca)
	signature, err := authority.Sign(ctx, algorithm, b)
	if err != nil {
		return nil, fmt.Errorf("sign the certificate: %w", err)
	}
	// Reading it again checks the signature: a remote signer's, or a broken one's.
	return Parse(wire.AppendString(b, signature))
}

func (c *Contents) check() error {
	_, nested := c.Key.(*Certificate)
	switch {
	case c.Key == nil:
		return errors.New("there is no key to certify")
	case nested:
		return ErrNested
	case lookupKey(c.Key.Type()) == nil:
		return &key.UnsupportedError{Type: c.Key.Type(), Op: "certify"}
	case c.Kind != User && c.Kind != Host:
		return errors.New("a certificate is for a user or for a host")
	case len(c.Principals) == 0:
		return errors.New("a certificate needs principals (user or host names): name them with -n")
	case slices.Contains(c.Principals, ""):
		return errors.New("a principal is empty")
	case len(c.Principals) > MaxPrincipals:
		return fmt.Errorf("there are %d principals, at most %d are taken", len(c.Principals), MaxPrincipals)
	case len(c.Critical) > MaxOptions || len(c.Extensions) > MaxOptions:
		return fmt.Errorf("there are more than %d options", MaxOptions)
	case c.ValidBefore <= c.ValidAfter:
		return errors.New("the certificate would end before it begins")
	}
	return nil
}

// appendSigned appends everything up to the signature (PROTOCOL.certkeys).
func (c *Contents) appendSigned(b, nonce []byte, authority key.Public) []byte {
	b = wire.AppendString(b, certified(c.Key.Type()))
	b = wire.AppendString(b, nonce)
	b = append(b, c.Key.Blob()[4+len(c.Key.Type()):]...) // the fields after the type
	b = wire.AppendUint64(b, c.Serial)
	b = wire.AppendUint32(b, uint32(c.Kind))
	b = wire.AppendString(b, c.KeyID)
	var names []byte
	for _, name := range c.Principals {
		names = wire.AppendString(names, name)
	}
	b = wire.AppendString(b, names)
	b = wire.AppendUint64(b, c.ValidAfter)
	b = wire.AppendUint64(b, c.ValidBefore)
	b = wire.AppendString(b, marshalOptions(c.Critical))
	b = wire.AppendString(b, marshalOptions(c.Extensions))
	b = wire.AppendString(b, "") // reserved
	return wire.AppendString(b, authority.Blob())
}

// marshalOptions writes options in the order of their names, which the format
// demands.
func marshalOptions(options []Option) []byte {
	options = slices.Clone(options)
	slices.SortStableFunc(options, func(a, b Option) int { return strings.Compare(a.Name, b.Name) })
	var b []byte
	for _, o := range options {
		b = wire.AppendString(b, o.Name)
		b = wire.AppendString(b, o.Data)
	}
	return b
}

// A Signer signs with a certificate: it shows the certificate and uses the
// private key behind it.
type Signer struct {
	certificate *Certificate
	signer      key.Signer
}

// NewSigner joins a certificate and the signer of its key. A signer that shows
// a certificate itself is taken when its key is the same.
func NewSigner(c *Certificate, s key.Signer) (*Signer, error) {
	if !key.Equal(c.Key, PlainKey(s.Public())) {
		return nil, errors.New("the certificate is not for this key")
	}
	return &Signer{c, s}, nil
}

// Public implements key.Signer.
func (s *Signer) Public() key.Public { return s.certificate }

// Sign implements key.Signer; algorithm is one of the certificate's.
func (s *Signer) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	plain, err := s.certificate.plain(algorithm)
	if err != nil {
		return nil, err
	}
	if _, certified := s.signer.Public().(*Certificate); certified {
		plain = algorithm
	}
	return s.signer.Sign(ctx, plain, data)
}
