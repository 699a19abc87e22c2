package applet

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// checkRevoked looks a key or certificate up in a file that is a revocation
// list, or a list of public keys a line each (sshd_config(5), RevokedKeys). A
// file that can't be read, or a line in it, refuses every key.
func checkRevoked(path string, k key.Public) error {
	text, err := readUpTo(path, cert.MaxKRL)
	if err != nil {
		return fmt.Errorf("revoked keys file %s can't be read: %s", printableArg(path), because(err))
	}
	l, err := cert.ParseKRL(text)
	if errors.Is(err, cert.ErrNotKRL) {
		l, err = revokedLines(text)
	}
	if err != nil {
		return fmt.Errorf("revoked keys file %s: %w", printableArg(path), err)
	}
	return l.Check(k)
}

func revokedLines(text []byte) (*cert.KRL, error) {
	l := new(cert.KRL)
	n := 0
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		n++
		k, _, err := cert.ParseLine(line)
		var unsupported *key.UnsupportedError
		var size *key.SizeError
		switch {
		case errors.Is(err, keyfile.ErrNoKey), errors.As(err, &unsupported), errors.As(err, &size):
			continue // such a key is accepted by nobody
		case err != nil:
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		l.RevokeKey(k)
	}
	return l, nil
}
