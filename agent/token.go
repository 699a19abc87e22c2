package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nacre-ssh/nacre/wire"
)

// A Token is a smartcard or its kin, by the library that speaks to it, on its
// way to an agent that serves such ([Memory] doesn't).
type Token struct {
	ID           string // the library's path
	PIN          []byte
	Lifetime     time.Duration // whole seconds; 0: for ever
	Confirm      bool
	Destinations []Destination
	// Certificates are for keys of the token; CertificatesOnly leaves the keys
	// themselves out.
	Certificates     [][]byte
	CertificatesOnly bool
}

// AddToken has the agent load the keys of a token.
func (c *Client) AddToken(ctx context.Context, t Token) error {
	b, err := t.append(msgAddToken)
	defer clear(b)
	if err == nil {
		err = c.call(ctx, b, msgSuccess, (*wire.Reader).End)
	}
	if err != nil {
		return fmt.Errorf("add a token to the agent: %w", err)
	}
	return nil
}

// RemoveToken has the agent forget the keys of a token.
func (c *Client) RemoveToken(ctx context.Context, t Token) error {
	b := wire.AppendString(wire.AppendString(newMessage(msgRemoveToken), t.ID), "")
	if err := c.call(ctx, b, msgSuccess, (*wire.Reader).End); err != nil {
		return fmt.Errorf("remove a token from the agent: %w", err)
	}
	return nil
}

func (t *Token) append(number byte) (b []byte, err error) {
	if t.Lifetime < 0 {
		return nil, errors.New("lifetime is over already")
	}
	b = wire.AppendString(newMessage(number), t.ID)
	b = wire.AppendString(b, t.PIN)
	plain := len(b)
	k := AddedKey{Lifetime: t.Lifetime, Confirm: t.Confirm, Destinations: t.Destinations}
	if b, err = appendConstraints(b, &k); err != nil {
		return b, err
	}
	if len(t.Certificates) > 0 {
		var blobs []byte
		for _, blob := range t.Certificates {
			blobs = wire.AppendString(blobs, blob)
		}
		b = wire.AppendString(append(b, constrainExtension), "associated-certs-v00@openssh.com")
		b = wire.AppendString(wire.AppendBool(b, t.CertificatesOnly), blobs)
	}
	if len(b) > plain {
		b[4] = msgAddTokenConstr
	}
	return b, nil
}
