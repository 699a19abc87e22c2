package login

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// Database reads the account files afresh at each call, so that a change is
// seen at the next login. The zero value reads /etc; it is safe for concurrent
// use and must not be copied after its first use.
type Database struct {
	// Passwd, Group and Shadow are paths; empty means the one in /etc.
	Passwd, Group, Shadow string
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	hashing gate
}

func (d *Database) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}

// Lookup finds a user by name. The name may come from outside: it must pass
// [CheckUserName]. The error is an [*UnknownUserError] when there is none, and it
// takes as long: the same files are read to their ends.
func (d *Database) Lookup(name string) (*User, error) {
	bad := CheckUserName(name)
	u, err := d.find(name, func(u *User) bool { return bad == nil && u.Name == name })
	if bad != nil {
		return nil, fmt.Errorf("%w: %w", &UnknownUserError{name}, bad)
	}
	return u, err
}

// LookupUID finds the first user with this id.
func (d *Database) LookupUID(uid uint32) (*User, error) {
	return d.find(fmt.Sprintf("#%d", uid), func(u *User) bool { return u.UID == uid })
}

// Current is the user that this process runs as.
func (d *Database) Current() (*User, error) { return d.LookupUID(uint32(os.Geteuid())) }

func (d *Database) find(name string, is func(*User) bool) (*User, error) {
	var found *User
	err := eachLine(or(d.Passwd, "/etc/passwd"), func(line string) bool {
		if u, err := parsePasswd(line); err == nil && is(&u) && found == nil {
			found = &u
		}
		return true
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("looking up user %q: %w", name, err)
	}
	if found == nil {
		_ = d.addGroups(&User{Name: name}) // for the time that it takes
		return d.elsewhere(name, is)
	}
	if err := d.addGroups(found); err != nil {
		return nil, err
	}
	return found, nil
}

// elsewhere asks the system where accounts are not in files (macOS).
func (d *Database) elsewhere(name string, is func(*User) bool) (*User, error) {
	if d.Passwd == "" {
		if u := systemUser(name); u != nil && is(u) {
			return u, nil
		}
	}
	return nil, &UnknownUserError{name}
}

func (d *Database) addGroups(u *User) error {
	u.Groups = []uint32{u.GID}
	err := eachLine(or(d.Group, "/etc/group"), func(line string) bool {
		gid, member, err := parseGroup(line, u.Name)
		if err == nil && member && !slices.Contains(u.Groups, gid) {
			u.Groups = append(u.Groups, gid)
		}
		return len(u.Groups) < maxGroups
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("reading the groups of %s: %w", u.Name, err)
	}
	return nil
}

// Account finds the user's line in the shadow file. Without one (or without a
// shadow file at all) it returns an account that no password opens.
func (d *Database) Account(name string) (Account, error) {
	none := Account{Name: name, Hash: "*", Changed: -1, Min: -1, Max: -1, Warn: -1, Inactive: -1, Expires: -1}
	found := none
	err := eachLine(or(d.Shadow, "/etc/shadow"), func(line string) bool {
		a, err := parseShadow(line)
		if err == nil && a.Name == name {
			found = a
			return false
		}
		return true
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return none, fmt.Errorf("reading the account of %s: %w", name, err)
	}
	return found, nil
}

// Allowed says whether the user may log in by any method: the account is
// neither locked nor expired, and the shell exists and can be executed. It
// returns an [*AccountError] otherwise. A process that may not read the shadow
// file checks the shell alone.
func (d *Database) Allowed(u *User) error {
	a, err := d.Account(u.Name)
	switch {
	case errors.Is(err, os.ErrPermission) && os.Geteuid() != 0:
	case err != nil:
		return err
	default:
		if err := a.Check(d.now()); err != nil {
			return err
		}
	}
	return checkShell(u)
}

func checkShell(u *User) error {
	info, err := os.Stat(u.Shell)
	if err != nil {
		return &AccountError{u.Name, ShellMissing, u.Shell}
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 {
		return &AccountError{u.Name, ShellUnusable, u.Shell}
	}
	return nil
}

// VerifyPassword checks a password for a name from outside and returns the
// user. An unknown user, a locked account and an account without a password
// cost as much as a wrong password, which is hashed all the same.
//
// The error is [ErrPassword] for all of these; an [*AccountError] comes only
// after the right password was given. An empty stored password is refused
// unless permitEmpty is set.
func (d *Database) VerifyPassword(ctx context.Context, name string, password []byte, permitEmpty bool) (*User, error) {
	user, err := d.Lookup(name)
	account, dummy, err2 := d.accountOrDummy(name, err == nil)
	if err2 != nil {
		return nil, err2
	}
	if err := d.hashing.enter(ctx); err != nil {
		return nil, err
	}
	defer d.hashing.leave()
	ok := account.matches(password, dummy, permitEmpty)
	if err != nil || !ok {
		return nil, ErrPassword
	}
	if err := account.Check(d.now()); err != nil {
		return nil, err
	}
	if err := account.CheckPassword(d.now()); err != nil {
		return nil, err
	}
	return user, nil
}

// accountOrDummy returns the user's account, and the hash to spend time on
// where that has none: the first usable one of the file (as sshd does with
// root's), so that its cost is what this machine's passwords cost.
func (d *Database) accountOrDummy(name string, known bool) (Account, string, error) {
	account := Account{Name: name, Hash: "*"}
	dummy := ""
	err := eachLine(or(d.Shadow, "/etc/shadow"), func(line string) bool {
		a, err := parseShadow(line)
		if err != nil {
			return true
		}
		if dummy == "" && decoderFor(a.Hash) != nil {
			dummy = a.Hash
		}
		if known && a.Name == name {
			account = a
		}
		return true
	})
	if dummy == "" {
		dummy = dummyHash
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return account, dummy, fmt.Errorf("reading the account of %s: %w", name, err)
	}
	return account, dummy, nil
}

// eachLine gives f the lines of a file without their ends until f returns
// false. A line beyond the cap counts as empty.
func eachLine(path string, f func(string) bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return scanLines(io.LimitReader(file, maxDatabase), 4096, maxDatabaseLine, func(line []byte) bool {
		return f(string(line))
	})
}

// scanLines gives f each line without its end, until f returns false; a line of
// more than most bytes is given as an empty one. The slice is valid until f
// returns.
func scanLines(r io.Reader, buffer, most int, f func([]byte) bool) error {
	br := bufio.NewReaderSize(r, buffer)
	var long []byte
	tooLong := false
	for {
		part, err := br.ReadSlice('\n')
		if err == bufio.ErrBufferFull {
			tooLong = tooLong || len(long)+len(part) > most
			if !tooLong {
				long = append(long, part...)
			}
			continue
		}
		if len(long) > 0 {
			part = append(long, part...)
		}
		line := trimEnd(part)
		if tooLong || len(line) > most {
			line = nil
		}
		if (len(part) > 0 || tooLong) && !f(line) {
			return nil
		}
		long, tooLong = long[:0], false
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func trimEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}
