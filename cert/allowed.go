package cert

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/internal/pattern"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// AllowedSigners is a file of who may sign (ssh-keygen(1), ALLOWED SIGNERS). It
// is read in one pass for each question. Not for concurrent use.
type AllowedSigners struct {
	Name string // of the file, for messages
	File io.Reader
	// Report gets what is wrong with lines that were looked at, in OpenSSH's
	// words; nil drops it.
	Report func(text string)
}

// ErrNotAllowed says that no line lets the key sign.
var ErrNotAllowed = errors.New("no line allows this key")

// A signerLine is one line: principals, options, key.
type signerLine struct {
	number        int
	principals    string
	key           key.Public
	authority     bool
	namespaces    string
	hasNamespaces bool
	after, before uint64 // 0: not given
}

// Check says whether a key, or a certificate, may sign as principal in a
// namespace at a time.
func (a *AllowedSigners) Check(k key.Public, principal, namespace string, at time.Time) error {
	found := ErrNotAllowed
	err := a.each(&principal, true, func(l *signerLine) bool {
		if names := a.match(l, k, &principal, &namespace, at); names == nil {
			return true
		}
		found = nil
		return false
	})
	return errors.Join(err, found)
}

// FindPrincipals returns the principals of the first line that lets a key sign,
// in whatever namespace; of a certificate, those that the line permits.
func (a *AllowedSigners) FindPrincipals(k key.Public, at time.Time) ([]string, error) {
	var names []string
	err := a.each(nil, true, func(l *signerLine) bool {
		names = a.match(l, k, nil, nil, at)
		return names == nil
	})
	if names == nil && err == nil {
		err = ErrNotAllowed
	}
	return names, err
}

// MatchPrincipals returns the principals fields of all lines that a name
// matches.
func (a *AllowedSigners) MatchPrincipals(principal string) ([]string, error) {
	var fields []string
	err := a.each(&principal, false, func(l *signerLine) bool {
		fields = append(fields, l.principals)
		return true
	})
	if len(fields) == 0 && err == nil {
		err = ErrNotAllowed
	}
	return fields, err
}

// match returns the principals that a line gives a key, nil for none.
func (a *AllowedSigners) match(l *signerLine, k key.Public, principal, namespace *string, at time.Time) []string {
	names := a.matchKey(l, k, principal, at)
	if names == nil {
		return nil
	}
	if namespace != nil && l.hasNamespaces && pattern.List(*namespace, l.namespaces) != pattern.Yes {
		a.report(l.number, "key is not permitted for use in signature namespace %q", *namespace)
		return nil
	}
	now := uint64(max(at.Unix(), 0))
	switch {
	case l.after != 0 && now < l.after:
		a.report(l.number, "key is not yet valid: verify time %s < valid-after %s", FormatTime(now), FormatTime(l.after))
		return nil
	case l.before != 0 && now > l.before:
		a.report(l.number, "key has expired: verify time %s > valid-before %s", FormatTime(now), FormatTime(l.before))
		return nil
	}
	return names
}

func (a *AllowedSigners) matchKey(l *signerLine, k key.Public, principal *string, at time.Time) []string {
	if !l.authority {
		if !key.Equal(l.key, k) {
			return nil
		}
		return strings.Split(l.principals, ",")
	}
	c, ok := k.(*Certificate)
	if !ok || !key.Equal(l.key, c.Authority) {
		return nil
	}
	use := Use{
		Kind: User, Now: at, Anywhere: true,
		Authority: func(ca key.Public) bool { return key.Equal(ca, l.key) },
	}
	if principal != nil {
		use.Principal = *principal
	} else {
		use.AnyPrincipal = true
	}
	if _, err := Verify(c, use); err != nil {
		a.report(l.number, "certificate not authorized: %v", err)
		return nil
	}
	if principal != nil {
		return []string{*principal}
	}
	return a.filter(l, c)
}

// filter are the principals of a certificate that a line permits.
func (a *AllowedSigners) filter(l *signerLine, c *Certificate) []string {
	var names []string
	for p := range strings.SplitSeq(l.principals, ",") {
		for _, name := range c.Principals {
			if p != "" && pattern.Match(name, p) {
				names = append(names, name)
			}
		}
	}
	if names == nil {
		a.report(l.number, "no valid principals found")
	}
	return names
}

func (a *AllowedSigners) report(line int, format string, args ...any) {
	if a.Report != nil {
		a.Report(fmt.Sprintf("%s:%d: ", a.Name, line) + fmt.Sprintf(format, args...))
	}
}

// each reads the lines that list a principal (nil: all), until do returns
// false. Lenient passes over a line that can't be read, which allows nobody.
func (a *AllowedSigners) each(principal *string, lenient bool, do func(*signerLine) bool) error {
	lines := bufio.NewScanner(a.File)
	lines.Buffer(nil, MaxLine)
	for n := 1; lines.Scan(); n++ {
		text := bytes.Trim(lines.Bytes(), " \t\r")
		if len(text) == 0 || text[0] == '#' {
			continue
		}
		l, err := parseSigner(text, principal)
		if err != nil {
			a.report(n, "%v", err)
			if lenient {
				continue
			}
			return err
		}
		if l == nil {
			continue
		}
		l.number = n
		if !do(l) {
			return nil
		}
	}
	return lines.Err()
}

// parseSigner reads a line; nil without an error is one that doesn't list the
// principal, of which no more is read.
func parseSigner(text []byte, principal *string) (*signerLine, error) {
	field, rest := cutBlank(text)
	if len(rest) == 0 {
		return nil, errors.New("invalid line")
	}
	l := &signerLine{principals: strings.ReplaceAll(string(field), `"`, "")}
	if principal != nil && pattern.List(*principal, l.principals) != pattern.Yes {
		return nil, nil
	}
	if k, _, err := ParseLine(rest); err == nil {
		l.key = k
		return l, nil
	}
	if !bytes.ContainsAny(rest, " \t") {
		return nil, errors.New("missing key")
	}
	parsed, err := keyfile.ParseAuthorizedKey(rest)
	if err != nil {
		return nil, errors.New("invalid key")
	}
	l.key = parsed.Key
	for _, o := range parsed.Options {
		if err := l.option(o); err != nil {
			return nil, fmt.Errorf("bad options: %w", err)
		}
	}
	if l.after != 0 && l.before != 0 && l.before <= l.after {
		return nil, errors.New(`bad options: "valid-before" time is before "valid-after"`)
	}
	return l, nil
}

func (l *signerLine) option(o keyfile.Option) error {
	switch {
	case o.Name == "cert-authority" && !o.HasValue:
		l.authority = true
		return nil
	case o.Name == "namespaces" && o.HasValue:
		if l.hasNamespaces {
			return errors.New(`multiple "namespaces" clauses`)
		}
		l.namespaces, l.hasNamespaces = o.Value, true
		return nil
	case o.Name == "valid-after" && o.HasValue:
		return setTime(&l.after, o)
	case o.Name == "valid-before" && o.HasValue:
		return setTime(&l.before, o)
	}
	return errors.New("unknown key option")
}

func setTime(to *uint64, o keyfile.Option) error {
	if *to != 0 {
		return fmt.Errorf("multiple %q clauses", o.Name)
	}
	t, err := ParseTime(o.Value)
	if err != nil || t == 0 {
		return fmt.Errorf("invalid %q time", o.Name)
	}
	*to = t
	return nil
}
