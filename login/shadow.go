package login

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Account is what shadow(5) holds of a user. Days count from 1970-01-01 UTC;
// -1 stands for an empty field.
type Account struct {
	Name string
	// Hash is the encrypted password: empty means that none is needed, a
	// leading '!' locks the account, '*' matches no password.
	Hash                              string
	Changed, Min, Max, Warn, Inactive int64
	Expires                           int64
}

// parseShadow reads one line of shadow(5):
// name:hash:changed:min:max:warn:inactive:expires:flag.
func parseShadow(line string) (Account, error) {
	var f [9]string
	if !fields(line, f[:]) {
		return Account{}, errLine
	}
	a := Account{Name: f[0], Hash: f[1]}
	for i, p := range []*int64{&a.Changed, &a.Min, &a.Max, &a.Warn, &a.Inactive, &a.Expires} {
		n, err := days(f[2+i])
		if err != nil {
			return Account{}, err
		}
		*p = n
	}
	return a, nil
}

func days(s string) (int64, error) {
	if s == "" {
		return -1, nil
	}
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil {
		return 0, errLine
	}
	return max(n, -1), nil
}

// Locked says whether the account is locked ("passwd -l", or never unlocked):
// sshd without PAM then refuses every method, keys too.
func (a *Account) Locked() bool { return strings.HasPrefix(a.Hash, "!") }

// Reasons of an [AccountError].
const (
	AccountLocked     = "account is locked"
	AccountExpired    = "account has expired"
	PasswordExpired   = "password has expired"
	PasswordMustReset = "password must be changed before the first login"
	ShellMissing      = "shell does not exist"
	ShellUnusable     = "shell is not executable"
)

// AccountError says why an account that exists may not log in. Its text is for
// the log, not for the peer.
type AccountError struct {
	User   string
	Reason string // one of the reasons above
	Detail string // a path, or empty
}

func (e *AccountError) Error() string {
	if e.Detail != "" {
		return fmt.Sprintf("user %s not allowed: %s: %s", e.User, e.Reason, e.Detail)
	}
	return fmt.Sprintf("user %s not allowed: %s", e.User, e.Reason)
}

// Check says whether the account may log in by any method at all.
func (a *Account) Check(now time.Time) error {
	switch today := day(now); {
	case a.Locked():
		return &AccountError{User: a.Name, Reason: AccountLocked}
	case a.Expires >= 0 && today > a.Expires:
		return &AccountError{User: a.Name, Reason: AccountExpired}
	}
	return nil
}

// CheckPassword says whether the account's password is still good. A password
// past its age (with or without days of grace left in Inactive) is refused:
// there is no conversation here in which it could be changed.
func (a *Account) CheckPassword(now time.Time) error {
	switch {
	case a.Changed == 0:
		return &AccountError{User: a.Name, Reason: PasswordMustReset}
	case a.Changed > 0 && a.Max >= 0 && day(now) > a.Changed+a.Max:
		return &AccountError{User: a.Name, Reason: PasswordExpired}
	}
	return nil
}

func day(t time.Time) int64 { return t.Unix() / 86400 }
