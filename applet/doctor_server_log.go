package applet

import (
	"context"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// How much of a log is read, from its end, and how many lines are shown.
const (
	maxLogTail  = 1 << 20
	maxLogLines = 5
)

// logSentences are what servers write about a login that fails, and what it
// means.
func logSentences() [][2]string {
	return [][2]string{
		{"bad ownership or modes", "others may write a file or directory on the way to the keys: chmod go-w it"},
		{"not listed in AllowUsers", "AllowUsers leaves the user out"},
		{"listed in DenyUsers", "DenyUsers names the user"},
		{"listed in DenyGroups", "a group of the user's is in DenyGroups"},
		{"listed in AllowGroups", "no group of the user's is in AllowGroups"},
		{"account is locked", "the account is locked: usermod -U, or usermod -p '*' for keys alone"},
		{"account expired", "the account has expired: chage -E -1"},
		{"has expired", "something has expired: the account, the password or a certificate"},
		{"ROOT LOGIN REFUSED", "PermitRootLogin forbids it"},
		{"because shell", "the shell does not exist or can't be executed"},
		{"maximum authentication attempts exceeded", "the client offered too many keys before the right one (MaxAuthTries): IdentitiesOnly yes there"},
		{"Too many authentication failures", "the client offered too many keys before the right one (MaxAuthTries): IdentitiesOnly yes there"},
		{"not in PubkeyAcceptedAlgorithms", "the key, or RSA with SHA-1, is no longer accepted: use an Ed25519 key, or a newer client"},
		{"not in PubkeyAcceptedKeyTypes", "the key, or RSA with SHA-1, is no longer accepted: use an Ed25519 key, or a newer client"},
		{"not from a permitted host", "the from= option of the key forbids that address"},
		{"Certificate invalid", "the certificate is not good: the log says why"},
		{"is not a valid", "the line says what is not valid"},
		{"Access denied for user", "PAM's account rules forbid it (access.conf, nologin, time, faillock)"},
		{"Could not open", "a file of keys can't be read as the user"},
		{"Invalid user", "there is no such user"},
		{"Failed password", "a password was wrong"},
		{"no matching", "client and server share no algorithm: one of them is old"},
		{"drop connection", "too many connections at once (MaxStartups, PerSourcePenalties)"},
	}
}

// checkLog shows what the log says about the user last.
func (s *serverExam) checkLog(ctx context.Context) {
	lines, from := s.logLines(ctx)
	if from == "" {
		s.report.note("log", "no log was found, or none that can be read (%s)", strings.Join(s.logs, ", "))
		return
	}
	about := s.about(lines)
	if len(about) == 0 {
		s.report.note("log", "%s says nothing about %s", from, s.name)
		return
	}
	shown := about[max(0, len(about)-maxLogLines):]
	for _, line := range shown {
		s.report.note("log", "%s", excerptLine(line))
	}
	for _, line := range slices.Backward(shown) {
		for _, row := range logSentences() {
			if strings.Contains(line, row[0]) {
				s.report.note("log", "%q means: %s", row[0], row[1])
				return
			}
		}
	}
}

// logLines are the last lines of the first log that there is.
func (s *serverExam) logLines(ctx context.Context) (lines []string, from string) {
	for _, name := range s.logs {
		if text, err := tailOf(name); err == nil {
			return strings.Split(text, "\n"), name
		}
	}
	if len(s.journal) == 0 {
		return nil, ""
	}
	if _, err := exec.LookPath(s.journal[0]); err != nil {
		return nil, ""
	}
	text, ok := outputOf(ctx, s.journal...)
	if !ok {
		return nil, ""
	}
	return strings.Split(text, "\n"), "the journal"
}

// tailOf is the end of a file.
func tailOf(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil && size > maxLogTail {
		f.Seek(-maxLogTail, io.SeekEnd)
	} else {
		f.Seek(0, io.SeekStart)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxLogTail))
	return string(text), err
}

// about are the lines of SSH servers that name the user as a word.
func (s *serverExam) about(lines []string) []string {
	word := regexp.MustCompile(`(^|[^A-Za-z0-9_.-])` + regexp.QuoteMeta(s.name) + `([^A-Za-z0-9_-]|$)`)
	servers := regexp.MustCompile(`sshd|dropbear|nacre|not allowed because| port [0-9]+|Authentication refused`)
	var found []string
	for _, line := range lines {
		named := word.MatchString(line) || s.user != nil && s.user.Home != "/" && strings.Contains(line, s.user.Home)
		if named && servers.MatchString(line) {
			found = append(found, strings.TrimRight(line, "\r"))
		}
	}
	return found
}

// excerptLine is a line of a log, which may be long and hold anything.
func excerptLine(line string) string {
	const most = 300
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "…"
	}
	return line
}
