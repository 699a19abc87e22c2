package login

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// KeyFiles says where the keys are that may log in, as sshd_config's
// AuthorizedKeysFile and StrictModes do. The zero value reads
// ~/.ssh/authorized_keys and ~/.ssh/authorized_keys2 without strict modes; it is
// safe for concurrent use.
type KeyFiles struct {
	// Patterns are file names: %h is the home, %u the user's name, %U the user
	// id, %% a percent sign; a relative one starts in the home. The single
	// pattern "none" means no file.
	Patterns []string
	// Strict refuses files that others could change.
	Strict bool
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Log takes the reasons why files and lines were passed over; nil drops
	// them. The peer must not learn them.
	Log *slog.Logger
}

// Match is the line of an authorized_keys file that lets a key in.
type Match struct {
	File string
	Line int // from 1
	Restrictions
}

// ErrNoKey says that no line lets the key in.
var ErrNoKey = errors.New("key is not authorized")

// Find looks for a key among those that may log in as u from an address. The
// files are read with the identity of u, line by line, and only a line that
// holds the key's bytes is parsed. A line whose options are unknown, or forbid
// the address or the time, is passed over; the first that is left decides.
func (k *KeyFiles) Find(ctx context.Context, u *User, pub key.Public, from netip.Addr) (*Match, error) {
	return k.find(ctx, u, pub, nil, from)
}

// A Judge says whether a certificate is good for one of the names that a line
// lists in its principals option, or, where principals is nil, for the user's.
type Judge func(principals []string) error

// FindAuthority looks for a line with cert-authority that trusts the authority
// behind a certificate and with whose principals the certificate passes.
func (k *KeyFiles) FindAuthority(ctx context.Context, u *User, authority key.Public, judge Judge, from netip.Addr) (*Match, error) {
	return k.find(ctx, u, authority, judge, from)
}

func (k *KeyFiles) find(ctx context.Context, u *User, pub key.Public, judge Judge, from netip.Addr) (*Match, error) {
	patterns := k.Patterns
	if len(patterns) == 0 {
		patterns = []string{".ssh/authorized_keys", ".ssh/authorized_keys2"}
	}
	for _, pattern := range patterns {
		if pattern == "none" {
			continue
		}
		path, err := expand(u, pattern)
		if err != nil {
			return nil, err
		}
		m, err := k.findIn(ctx, u, path, pub, judge, from)
		if m != nil || ctx.Err() != nil {
			return m, ctx.Err()
		}
		k.explain(u, path, err)
	}
	return nil, ErrNoKey
}

// explain logs why a file was of no use; that it isn't there is nothing to say.
func (k *KeyFiles) explain(u *User, path string, err error) {
	if k.Log == nil || err == nil || errors.Is(err, os.ErrNotExist) {
		return
	}
	k.Log.Info(err.Error(), "user", u.Name, "file", path)
}

func (k *KeyFiles) findIn(ctx context.Context, u *User, path string, pub key.Public, judge Judge, from netip.Addr) (*Match, error) {
	file, err := OpenAs(u, path, k.Strict)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var found *Match
	number, needle := 0, needle(pub.Blob())
	err = scanKeyLines(ctx, file, func(line []byte) bool {
		number++
		if !bytes.Contains(line, needle) {
			return true
		}
		r, err := k.check(line, pub, judge, from)
		if err != nil {
			k.explain(u, path, fmt.Errorf("%s:%d: %w", path, number, err))
		}
		if r != nil {
			found = &Match{File: path, Line: number, Restrictions: *r}
		}
		return found == nil
	})
	return found, err
}

// check parses a line and returns its restrictions if it lets the key in; nil
// without an error means that the line is not about this key.
func (k *KeyFiles) check(line []byte, pub key.Public, judge Judge, from netip.Addr) (*Restrictions, error) {
	parsed, err := keyfile.ParseAuthorizedKey(line)
	if errors.Is(err, keyfile.ErrNoKey) {
		return nil, nil // commented out
	}
	if err != nil || !key.Equal(parsed.Key, pub) {
		return nil, err
	}
	r, err := NewRestrictions(parsed.Options)
	if err != nil {
		return nil, err
	}
	if r.ca != (judge != nil) || !r.ca && r.principals != nil {
		return nil, nil // for certificates, not for the key itself, or the other way round
	}
	if judge != nil {
		if err := judge(r.principals); err != nil {
			return nil, err
		}
	}
	now := time.Now
	if k.Now != nil {
		now = k.Now
	}
	if err := r.Permit(from, now()); err != nil {
		return nil, err
	}
	return r, nil
}

// needle is the part of the key's base64 that does not depend on padding.
func needle(blob []byte) []byte {
	blob = blob[:len(blob)/3*3]
	return base64.StdEncoding.AppendEncode(nil, blob)
}

// scanKeyLines counts every line, also those that it passes over, and looks at
// the context now and then.
func scanKeyLines(ctx context.Context, r io.Reader, f func([]byte) bool) error {
	n := 0
	return scanLines(io.LimitReader(r, maxKeyFile), maxKeyLine, maxKeyLine, func(line []byte) bool {
		if n++; n%1024 == 0 && ctx.Err() != nil {
			return false
		}
		return f(line)
	})
}

// expand makes a path of a pattern. User names passed CheckUserName, but a name
// from a file of ours need not have: one with a slash is refused.
func expand(u *User, pattern string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		if pattern[i] != '%' {
			b.WriteByte(pattern[i])
			continue
		}
		i++
		switch {
		case i == len(pattern):
			return "", fmt.Errorf("file name %q ends with %%", pattern)
		case pattern[i] == '%':
			b.WriteByte('%')
		case pattern[i] == 'h':
			b.WriteString(u.Home)
		case pattern[i] == 'U':
			b.WriteString(strconv.FormatUint(uint64(u.UID), 10))
		case pattern[i] == 'u' && CheckUserName(u.Name) == nil:
			b.WriteString(u.Name)
		default:
			return "", fmt.Errorf("file name %q has an unknown %%%c", pattern, pattern[i])
		}
	}
	if path := b.String(); filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	return filepath.Join(u.Home, b.String()), nil
}
