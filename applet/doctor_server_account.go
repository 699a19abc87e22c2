package applet

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/internal/pattern"
	"github.com/nacre-ssh/nacre/login"
)

func matchesName(name, with string) bool { return pattern.Match(name, with) }

// checkAccount looks at shadow: locked, expired.
func (s *serverExam) checkAccount(context.Context) {
	if s.user == nil {
		return
	}
	for _, name := range s.nologin {
		if text, err := os.ReadFile(name); err == nil && s.user.UID != 0 {
			s.bad("account", "remove it, when its reason is gone", []string{"rm " + getopt.Word(name)}, "%s keeps everybody but root out: %q", name, excerpt(string(text)))
			break
		}
	}
	a, err := s.db.Account(s.name)
	switch {
	case errors.Is(err, fs.ErrPermission):
		s.report.note("account", "whether it is locked or expired only root can see")
		return
	case err != nil:
		s.report.note("account", "%v", err)
		return
	}
	s.accountState(&a)
}

func (s *serverExam) accountState(a *login.Account) {
	name := getopt.Word(s.name)
	var refused *login.AccountError
	switch err := a.Check(time.Now()); {
	case err == nil:
		s.report.ok("account", "it is neither locked nor expired")
	case errors.As(err, &refused) && refused.Reason == login.AccountLocked && s.sets.get("usepam") == "yes":
		s.report.note("account", "its password is locked, which keeps keys out only without PAM (UsePAM is yes here)")
	case errors.As(err, &refused) && refused.Reason == login.AccountLocked:
		s.bad("account", "open it again; without a password, for keys alone: usermod -p '*'", []string{"usermod -U " + name, "usermod -p '*' " + name}, "the account is locked, and sshd lets it in by no method, keys neither")
	default:
		s.bad("account", "if it shall live on, take the end away", []string{"chage -l " + name, "chage -E -1 " + name}, "the account has expired on %s", day(a.Expires))
	}
	if err := a.CheckPassword(time.Now()); errors.As(err, &refused) {
		s.report.note("account", "the %s; with PAM that stops keys, too (chage -d today, or passwd)", refused.Reason)
	}
}

// day is a day of shadow's for people.
func day(n int64) string { return time.Unix(n*86400, 0).UTC().Format("2006-01-02") }

// checkShell looks at the user's shell.
func (s *serverExam) checkShell(context.Context) {
	if s.user == nil {
		return
	}
	name, shell := getopt.Word(s.name), s.user.Shell
	fix := []string{"usermod -s /bin/bash " + name}
	info, err := os.Stat(shell)
	switch {
	case err != nil:
		s.bad("shell", "give the user a shell that is there, or install this one", fix, "the shell %s does not exist, so nobody gets in as %s", shell, s.name)
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		s.bad("shell", "make it executable, or give the user another one", append([]string{"chmod a+rx " + getopt.Word(shell)}, fix...), "the shell %s can't be executed", shell)
	case isNoShell(shell):
		s.bad("shell", "if the user shall have a shell, give it one; forwards and internal-sftp work without", fix, "the shell %s ends every session at once", shell)
	case !listedIn(s.shells, shell):
		s.report.note("shell", "%s is not in %s: with PAM (pam_shells) that may keep the user out", shell, s.shells)
	default:
		s.report.ok("shell", "%s is there", shell)
	}
}

// isNoShell says whether a program stands for "no shell".
func isNoShell(path string) bool {
	return slices.Contains([]string{"nologin", "false", "true", "sync", "halt", "shutdown"}, filepath.Base(path))
}

// listedIn says whether a file has a line; one that can't be read has all.
func listedIn(file, line string) bool {
	f, err := os.Open(file)
	if err != nil {
		return true
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) == line {
			return true
		}
	}
	return false
}

// checkHome looks at the home directory.
func (s *serverExam) checkHome(context.Context) {
	if s.user == nil {
		return
	}
	home := getopt.Word(s.user.Home)
	info, err := os.Stat(s.user.Home)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.bad("home", "make it", []string{"mkdir -p " + home, "chown " + getopt.Word(s.name) + ": " + home, "chmod 755 " + home}, "the home directory %s does not exist", s.user.Home)
	case err != nil:
		s.report.note("home", "%s can't be looked at: %s", s.user.Home, door.Sentence(err))
	case !info.IsDir():
		s.bad("home", "make a directory of it", nil, "the home %s is no directory", s.user.Home)
	}
}
