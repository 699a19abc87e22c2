package applet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/knownhosts"
	"github.com/nacre-ssh/nacre/term"
)

// dbTrust judges host keys by ~/.ssh/known_hosts, in which Dropbear has a host's
// name without its port, and asks. A line that ssh has written for host and port
// counts, too.
type dbTrust struct {
	run  *dbRun
	file string // "" where there is no home
	db   *knownhosts.DB
}

func newDbTrust(d *dbRun) *dbTrust {
	t := &dbTrust{run: d}
	if home, err := os.UserHomeDir(); err == nil {
		t.file = filepath.Join(home, ".ssh", "known_hosts")
		t.db = knownhosts.Open(t.file)
	} else {
		t.db = knownhosts.Open()
	}
	return t
}

// algorithms puts those first that a known key can use.
func (t *dbTrust) algorithms() []string {
	list, err := t.db.Algorithms(t.run.at.host, 0, t.run.ssh.conf.HostKeyAlgorithms)
	if err != nil {
		t.run.ssh.say(config.LogInfo, "%v", err)
	}
	var plainOnes []string
	for _, name := range list {
		if !cert.IsCertificate(name) { // Dropbear knows none
			plainOnes = append(plainOnes, name)
		}
	}
	return plainOnes
}

// check implements [hostTrust].
func (t *dbTrust) check(ctx context.Context, at client.Presented) error {
	d, k := t.run, cert.PlainKey(at.Key)
	d.ssh.peer = peerName(at.Addr)
	if d.line.accept > 1 {
		d.ssh.say(config.LogInfo, "Caution, skipping hostkey check for %s\n", d.at.host)
		return nil
	}
	err := t.look(k)
	var unknown *knownhosts.UnknownError
	var other *knownhosts.OtherTypeError
	var changed *knownhosts.ChangedError
	var revoked *knownhosts.RevokedError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown), errors.As(err, &other):
		return t.unknown(ctx, k)
	case errors.As(err, &revoked):
		return dbSays(fmt.Sprintf("%s host key for %s is marked as revoked in %s:%d", k.Type(), d.at.host, revoked.File, revoked.Line))
	case errors.As(err, &changed):
		return dbSays(fmt.Sprintf("\n\n%s host key mismatch for %s !\nFingerprint is %s\nExpected %s\nIf you know that the host key is correct you can\nremove the bad entry from ~/.ssh/known_hosts (line %d)",
			k.Type(), d.at.host, keyfile.FingerprintSHA256(k), t.expected(changed), changed.Line))
	}
	return err
}

// look holds a key against the host's lines, with and without the port. A line
// that revokes it counts most, then one that has it, then one that has another:
// a host that ssh knows by its port is no new one.
func (t *dbTrust) look(k key.Public) error {
	var all []error
	for _, port := range []int{0, t.run.at.port} {
		if port != 22 {
			all = append(all, t.db.Check(t.run.at.host, port, nil, k))
		}
	}
	for _, counts := range []func(error) bool{
		func(err error) bool { return errors.As(err, new(*knownhosts.RevokedError)) },
		func(err error) bool { return err == nil },
		func(err error) bool { return errors.As(err, new(*knownhosts.ChangedError)) },
	} {
		if i := slices.IndexFunc(all, counts); i >= 0 {
			return all[i]
		}
	}
	return all[0]
}

// expected is the fingerprint of the key that was known.
func (t *dbTrust) expected(e *knownhosts.ChangedError) string {
	for _, port := range []int{0, t.run.at.port} {
		entries, _ := t.db.Lookup(t.run.at.host, port) // it was read for the check
		for _, known := range entries {
			if known.Line == e.Line && known.File == e.File {
				return keyfile.FingerprintSHA256(known.Key)
			}
		}
	}
	return "UNKNOWN"
}

// unknown is the first contact.
func (t *dbTrust) unknown(ctx context.Context, k key.Public) error {
	d := t.run
	print := fmt.Sprintf("(%s fingerprint %s)", k.Type(), keyfile.FingerprintSHA256(k))
	switch {
	case d.line.strict:
		d.ssh.say(config.LogInfo, "\nHost '%s' key unknown.\n%s", d.at.host, print)
		return dbSays("Not accepted automatically")
	case d.line.accept == 1:
		d.ssh.say(config.LogInfo, "\nHost '%s' key accepted unconditionally.\n%s\n", d.at.host, print)
	default:
		d.Errorf("\nHost '%s' is not in the trusted hosts file.\n%s", d.at.host, print)
		if d.line.batch || !t.confirm(ctx) {
			return dbSays("Didn't validate host key")
		}
	}
	t.remember(k)
	return nil
}

// confirm asks at the terminal, or where there is none on standard input.
func (t *dbTrust) confirm(ctx context.Context) bool {
	const question = "Do you want to continue connecting? (y/n) "
	answer, err := term.Ask(ctx, question)
	if errors.Is(err, term.ErrNoTerminal) {
		fmt.Fprint(t.run.Stderr, question)
		answer, err = readLine(t.run.Stdin)
	}
	return err == nil && strings.HasPrefix(answer, "y")
}

// readLine reads a line and not a byte more: the rest is the remote program's.
func readLine(f *os.File) (string, error) {
	var line []byte
	for r := bufio.NewReaderSize(oneByte{f}, 16); len(line) < 256; {
		b, err := r.ReadByte()
		if err != nil || b == '\n' {
			return string(line), err
		}
		line = append(line, b)
	}
	return "", errors.New("the answer is too long")
}

// oneByte reads a byte at a time.
type oneByte struct{ f *os.File }

func (o oneByte) Read(b []byte) (int, error) { return o.f.Read(b[:min(len(b), 1)]) }

// remember writes the key down. Failing at that stops nobody.
func (t *dbTrust) remember(k key.Public) {
	err := errors.New("there is no home directory")
	if t.file != "" {
		err = knownhosts.Add(t.file, t.run.at.host, 0, k, false)
	}
	if err != nil {
		t.run.ssh.say(config.LogInfo, "Failed to open ~/.ssh/known_hosts: %v", err)
	}
}

// trust implements [manner].
func (d *dbRun) trust() hostTrust { return d.keys }
