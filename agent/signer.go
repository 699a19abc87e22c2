package agent

import (
	"context"
	"fmt"
	"slices"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// A signer is one of an agent's keys.
type signer struct {
	client *Client
	id     Identity
}

// Signer returns the key.Signer for an identity whose Key is not nil. It works
// as long as the Client.
func (c *Client) Signer(id Identity) key.Signer { return &signer{c, id} }

func (s *signer) Public() key.Public { return s.id.Key }

func (s *signer) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	if s.id.Key == nil || !slices.Contains(s.id.Key.Algorithms(), algorithm) {
		return nil, fmt.Errorf("sign with the agent: the key makes no %q signatures", algorithm)
	}
	signature, err := s.client.Sign(ctx, s.id.Blob, data, flagsOf(algorithm))
	if err != nil {
		return nil, err
	}
	// An agent from before RFC 8332 ignores the flags and answers with SHA-1.
	r := wire.NewReader(signature)
	if got := r.Bytes(); string(got) != algorithm {
		return nil, fmt.Errorf("sign with the agent: it made a %q signature where %q was asked for", got, algorithm)
	}
	return signature, nil
}

func flagsOf(algorithm string) uint32 {
	switch algorithm {
	case key.AlgRSASHA256:
		return FlagRSASHA256
	case key.AlgRSASHA512:
		return FlagRSASHA512
	}
	return 0
}
