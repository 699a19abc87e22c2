package door

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// CheckRevoked looks a key or certificate up in a file that is a revocation
// list, or a list of public keys a line each (sshd_config(5), RevokedKeys). A
// file that can't be read, or a line in it, refuses every key.
func CheckRevoked(path string, k key.Public) error {
	return new(RevokedKeys).Check(path, k)
}

// RevokedKeys keeps what the file held when it was read last: a server asks for
// every key that anybody offers, and the file may be large. The zero value has
// read nothing; safe for concurrent use.
type RevokedKeys struct {
	mu   sync.Mutex
	path string
	info fs.FileInfo
	list *cert.KRL
}

// Check is CheckRevoked with the file as it was read last, unless it has changed.
func (r *RevokedKeys) Check(path string, k key.Public) error {
	list, err := r.load(path)
	if err != nil {
		return fmt.Errorf("revoked keys file %s can't be used: %s", term.Printable(path), Because(err))
	}
	return list.Check(k)
}

// load reads the file unless it is the one read before.
func (r *RevokedKeys) load(path string) (*cert.KRL, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if r.list != nil && r.path == path && os.SameFile(info, r.info) && info.Size() == r.info.Size() && info.ModTime().Equal(r.info.ModTime()) {
		return r.list, nil
	}
	text, err := ReadUpTo(path, cert.MaxKRL)
	if err != nil {
		return nil, err
	}
	list, err := cert.ParseKRL(text)
	if errors.Is(err, cert.ErrNotKRL) {
		list, err = revokedLines(text)
	}
	if err != nil {
		return nil, err
	}
	r.path, r.info, r.list = path, info, list
	return list, nil
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
