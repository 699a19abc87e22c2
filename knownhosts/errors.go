package knownhosts

import (
	"fmt"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// An UnknownError says that no key is known for a host.
type UnknownError struct {
	Host      string // as a file would name it: "host" or "[host]:port"
	Presented key.Public
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("no host key is known for %s, which presented %s", e.Host, describe(e.Presented))
}

// An OtherTypeError says that a host is known, but by keys of other types alone:
// it has got a new one, or hid those that are known.
type OtherTypeError struct {
	Host      string  // as a file names it
	Known     []Entry // all lines for Host, at most MaxEntries
	Presented key.Public
}

func (e *OtherTypeError) Error() string {
	return fmt.Sprintf("%s presented %s, and only keys of other types are known for it: line %d of %s",
		e.Host, describe(e.Presented), e.Known[0].Line, e.Known[0].File)
}

// An UnknownAuthorityError says that nobody trusts an authority to certify a
// host.
type UnknownAuthorityError struct {
	Host      string
	Authority key.Public
}

func (e *UnknownAuthorityError) Error() string {
	return fmt.Sprintf("the authority of the certificate of %s, %s, is not known: it needs a line with @cert-authority",
		e.Host, describe(e.Authority))
}

// A ChangedError says that a host has another key of the presented type.
type ChangedError struct {
	Host string // as a file names it
	// ByAddress says that Host is the address, and that the key is the right
	// one for the name: the name may lead somewhere else now.
	ByAddress bool
	File      string  // of the line that most probably is out of date
	Line      int     // from 1
	Known     []Entry // all lines for Host, at most MaxEntries
	Presented key.Public
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("host key of %s has changed to %s: line %d of %s holds another; "+
		"if the host was set up anew, remove it with: ssh-keygen -f '%s' -R '%s'",
		e.Host, describe(e.Presented), e.Line, e.File, e.File, e.Host)
}

// A RevokedError says that a host presented a key that is marked as revoked.
type RevokedError struct {
	Host      string
	File      string
	Line      int
	Presented key.Public
}

func (e *RevokedError) Error() string {
	return fmt.Sprintf("host key of %s, %s, is revoked by line %d of %s",
		e.Host, describe(e.Presented), e.Line, e.File)
}

func describe(k key.Public) string {
	return key.ShortName(k.Type()) + " key " + keyfile.FingerprintSHA256(k)
}
