package login

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// User is an account that a session can run as. It is a plain value; nobody
// changes one after [Database] has made it.
type User struct {
	Name     string
	UID, GID uint32
	// Groups are the supplementary groups, GID among them, in no order.
	Groups []uint32
	// Home is an absolute path ("/" where the file has none).
	Home string
	// Shell is the path of the login shell, "/bin/sh" where the file has none.
	Shell string
}

// root says whether the user is the superuser.
func (u *User) root() bool { return u.UID == 0 }

// UnknownUserError says that no account has the name.
type UnknownUserError struct{ Name string }

func (e *UnknownUserError) Error() string { return fmt.Sprintf("no such user: %q", e.Name) }

// ErrUserName refuses a name that no account may have and that could mean
// something to a shell, a path or a log.
var ErrUserName = errors.New("user name has characters that no account name has")

// CheckUserName holds the one grammar for user names from outside: 1 to 255
// ASCII letters and digits, '_', '-', '.', '@', '+', and a last "$"; the first is none of
// "-+.@".
func CheckUserName(name string) error {
	if name == "" || len(name) > maxName || strings.IndexByte("-+.@", name[0]) >= 0 {
		return ErrUserName
	}
	for i := range len(name) {
		if c := name[i]; !nameByte(c) && (c != '$' || i == 0 || i != len(name)-1) {
			return ErrUserName
		}
	}
	return nil
}

func nameByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return strings.IndexByte("_-.@+", c) >= 0
}

// home returns dir, or "/" when it is no absolute path.
func home(dir string) string {
	if !path.IsAbs(dir) {
		return "/"
	}
	return path.Clean(dir)
}
