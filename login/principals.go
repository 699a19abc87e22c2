package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/keyfile"
)

// PrincipalFiles says which principals of certificates may log in as a user, as
// sshd_config's AuthorizedPrincipalsFile does. It is safe for concurrent use.
type PrincipalFiles struct {
	Pattern string // a file name as in KeyFiles.Patterns
	Strict  bool
	Now     func() time.Time // nil means time.Now
	Log     *slog.Logger     // nil drops why files and lines were passed over
}

// ErrNoPrincipal says that no line lists one of the principals.
var ErrNoPrincipal = errors.New("no principal of the certificate is authorized")

// Find returns the first line that lists one of the names, and which. A line is
// a name, with options before it as in authorized_keys; one whose options are
// unknown, or forbid the address or the time, is passed over.
func (p *PrincipalFiles) Find(ctx context.Context, u *User, names []string, from netip.Addr) (*Match, string, error) {
	path, err := expand(u, p.Pattern)
	if err != nil {
		return nil, "", err
	}
	file, err := OpenAs(u, path, p.Strict)
	if err != nil {
		p.explain(u, path, err)
		return nil, "", ErrNoPrincipal
	}
	defer file.Close()
	var found *Match
	var name string
	number := 0
	err = scanKeyLines(ctx, file, func(line []byte) bool {
		number++
		r, listed, err := p.check(line, names, from)
		if err != nil {
			p.explain(u, path, fmt.Errorf("%s:%d: %w", path, number, err))
		}
		if r != nil {
			found, name = &Match{File: path, Line: number, Restrictions: *r}, listed
		}
		return found == nil
	})
	if err == nil && found == nil {
		err = errors.Join(ctx.Err(), ErrNoPrincipal)
	}
	return found, name, err
}

func (p *PrincipalFiles) explain(u *User, path string, err error) {
	(&KeyFiles{Log: p.Log}).explain(u, path, err)
}

// check returns a line's restrictions when its last word is one of the names.
func (p *PrincipalFiles) check(line []byte, names []string, from netip.Addr) (*Restrictions, string, error) {
	text, _, _ := bytes.Cut(line, []byte("#"))
	words := strings.TrimSpace(string(text))
	options, name := "", words
	if i := strings.LastIndexAny(words, " \t"); i >= 0 {
		options, name = strings.TrimSpace(words[:i]), words[i+1:]
	}
	if name == "" || !slices.Contains(names, name) {
		return nil, "", nil
	}
	r := new(Restrictions)
	if options != "" {
		parsed, err := keyfile.ParseOptions([]byte(options))
		if err != nil {
			return nil, "", err
		}
		if r, err = NewRestrictions(parsed); err != nil {
			return nil, "", err
		}
		if r.ca || r.principals != nil {
			return nil, "", errors.New("cert-authority and principals have no meaning here")
		}
	}
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	if err := r.Permit(from, now()); err != nil {
		return nil, "", err
	}
	return r, name, nil
}
