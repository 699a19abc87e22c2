package applet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/login"
)

// checkKeyFiles looks at every file of AuthorizedKeysFile, and at what is on the
// way to it.
func (s *serverExam) checkKeyFiles(context.Context) {
	if s.user == nil {
		return
	}
	patterns := s.sets.words("authorizedkeysfile")
	if len(patterns) == 0 {
		patterns = []string{".ssh/authorized_keys", ".ssh/authorized_keys2"}
	}
	there := 0
	for _, p := range patterns {
		path, err := login.KeyFile(s.user, p)
		if p == "none" || err != nil {
			continue
		}
		if s.checkKeyFile(path) {
			there++
		}
	}
	command := s.sets.get("authorizedkeyscommand")
	if command != "" && command != "none" {
		s.report.note("keys", "AuthorizedKeysCommand is asked for keys, too: %s", command)
		return
	}
	if there == 0 && !slices.Equal(patterns, []string{"none"}) {
		s.bad("keys", "put the user's public key there: from the user's machine (with a password), or here with the key's line", []string{
			"nacre ssh-copy-id " + getopt.Word(s.name) + "@HOST", "install -d -m 700 -o " + getopt.Word(s.name) + " " + getopt.Word(s.user.Home+"/.ssh")},
			"there is no file of keys: none of %s exists below %s", strings.Join(patterns, ", "), s.user.Home)
	}
}

// checkKeyFile says whether the file is there.
func (s *serverExam) checkKeyFile(path string) bool {
	faults, err := login.Faults(s.user, path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false
	case err != nil:
		s.report.note("files", "%s can't be looked at: %s", path, door.Sentence(err))
		return true
	}
	if s.sets.get("strictmodes") != "no" {
		for _, f := range faults {
			s.fault(f)
		}
	}
	f, err := login.OpenAs(s.user, path, false)
	if err != nil {
		s.bad("files", "let the user read it, who has to own it", []string{"chown " + getopt.Word(s.name) + " " + getopt.Word(path), "chmod 600 " + getopt.Word(path)},
			"%s can't be read as %s, and so not by the server: %s", path, s.name, door.Sentence(err))
		return true
	}
	defer f.Close()
	if len(faults) == 0 {
		s.report.ok("files", "%s and the directories above it are the user's or root's alone", path)
	}
	s.checkKeys(path, f)
	return true
}

// fault tells of a file or directory that strict modes refuse.
func (s *serverExam) fault(f login.Fault) {
	what := "file"
	if f.Dir() {
		what = "directory"
	}
	if f.UID != s.user.UID && f.UID != 0 {
		s.bad("files", "give it to the user", []string{"chown " + getopt.Word(s.name) + " " + getopt.Word(f.Path)},
			"the %s %s belongs to the user with number %d, neither to %s nor to root, so the server ignores the keys (StrictModes)", what, f.Path, f.UID, s.name)
	}
	if s.privateGroup(f) {
		s.report.note("files", "the group may write the %s %s (mode %04o): this Debian's sshd lets that pass while the user is alone in the group, others don't; chmod g-w is safe everywhere", what, f.Path, f.Mode.Perm())
		return
	}
	if f.Mode.Perm()&0o022 != 0 {
		s.bad("files", "let nobody else write it", []string{"chmod go-w " + getopt.Word(f.Path)},
			"others may write the %s %s (mode %04o), so the server ignores the keys (StrictModes)", what, f.Path, f.Mode.Perm())
	}
}

// privateGroup says whether a fault is none to Debian's sshd: the user's own
// group may write.
func (s *serverExam) privateGroup(f login.Fault) bool {
	debian := strings.Contains(s.version, "Debian") || strings.Contains(s.version, "Ubuntu")
	return debian && f.Mode.Perm()&0o022 == 0o020 && f.GID == s.user.GID && (f.UID == s.user.UID || f.UID == 0)
}

// maxToldKeys is how many keys are told of one by one.
const maxToldKeys = 32

// checkKeys reads the lines of a file.
func (s *serverExam) checkKeys(path string, f *os.File) {
	n := 0
	err := keyfile.ScanAuthorizedKeys(f, func(line int, k keyfile.AuthorizedKey, err error) bool {
		n++
		at := fmt.Sprintf("%s line %d", path, line)
		if err != nil {
			s.bad("keys", "correct the line, or paste the key's .pub file again, as one line", []string{"ssh-keygen -lf " + getopt.Word(path)}, "%s can't be read, so its key counts for nothing: %s%s", at, err, s.privateHint(err, path))
			return n < maxToldKeys
		}
		s.checkKeyLine(at, k)
		return n < maxToldKeys
	})
	if err != nil {
		s.report.note("keys", "%s: %s", path, door.Sentence(err))
	}
	if n == 0 {
		s.bad("keys", "put the user's public key into it", []string{"nacre ssh-copy-id " + getopt.Word(s.name) + "@HOST"}, "%s holds no key", path)
	}
}

// privateHint is for who has put a private key there.
func (s *serverExam) privateHint(_ error, path string) string {
	text, err := door.ReadCapped(path)
	if err != nil || !strings.Contains(string(text), "PRIVATE KEY-----") {
		return ""
	}
	return " (it looks like a private key: take it out, it belongs to nobody but its owner, and put the .pub file's line there)"
}

// checkKeyLine looks at one key and its options.
func (s *serverExam) checkKeyLine(at string, k keyfile.AuthorizedKey) {
	plain := cert.PlainKey(k.Key)
	name := fmt.Sprintf("%s: %s %s %s", at, key.ShortName(plain.Type()), keyfile.FingerprintSHA256(plain), k.Comment)
	r, err := login.NewRestrictions(k.Options)
	switch {
	case err != nil:
		s.bad("keys", "correct the options before the key; sshd(8) lists them", nil, "%s: the line counts for nothing: %v", at, err)
	case !r.Expires.IsZero() && !time.Now().Before(r.Expires):
		s.bad("keys", "take expiry-time out, or give a later one", nil, "%s: the key has expired on %s (expiry-time)", at, r.Expires.Format("2006-01-02"))
	case s.unaccepted(plain):
		s.bad("keys", "use a newer key, such as ssh-keygen -t ed25519 makes", nil, "%s: keys of this type are not accepted (PubkeyAcceptedAlgorithms %s)", name, excerpt(s.sets.get("pubkeyacceptedalgorithms")))
	default:
		s.report.ok("keys", "%s", name)
		s.keyOptions(at, r)
	}
}

// keyOptions tells of options that do more than a person may expect.
func (s *serverExam) keyOptions(at string, r *login.Restrictions) {
	if r.Command != "" {
		s.report.note("keys", "%s: the key runs this whatever is asked for: %s", at, r.Command)
	}
	if r.From != "" {
		s.report.note("keys", "%s: the key works from these addresses alone: %s", at, r.From)
	}
	if r.Authority() {
		s.report.note("keys", "%s: it is an authority: certificates that it signed get in, the key itself does not", at)
	}
}

// unaccepted says whether no algorithm of a key is accepted.
func (s *serverExam) unaccepted(k key.Public) bool {
	list := strings.Split(s.sets.get("pubkeyacceptedalgorithms"), ",")
	if s.sets.get("pubkeyacceptedalgorithms") == "" {
		return false
	}
	return !slices.ContainsFunc(k.Algorithms(), func(name string) bool { return slices.Contains(list, name) })
}

// checkAuthorities looks at the files that certificates depend on.
func (s *serverExam) checkAuthorities(context.Context) {
	for _, keyword := range []string{"TrustedUserCAKeys", "RevokedKeys"} {
		path := s.sets.get(strings.ToLower(keyword))
		if path == "" || path == "none" {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			s.bad("authorities", "put the file there, or take the line out", nil, "%s %s: %s; where RevokedKeys can't be read, every key is refused", keyword, path, door.Sentence(err))
			continue
		}
		s.report.ok("authorities", "%s %s is there", keyword, path)
	}
}
