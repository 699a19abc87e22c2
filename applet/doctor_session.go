package applet

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/mux"
)

// sessionFacts are what a command and a shell did.
type sessionFacts struct {
	mark  string   // what the command had to print
	first trialRun // the command
	shell trialRun
}

// A trialRun is one program that was run on the server.
type trialRun struct {
	out, err string // what it wrote, the first 4 KiB
	exit     client.Exit
	failed   error
}

// session runs a command and a shell that do nothing but print a word.
func (x *exam) session(ctx context.Context, c *client.Client) error {
	x.stage = atSession
	x.prove.mark = "nacre-doctor-" + rand.Text()[:8]
	echo := "echo " + x.prove.mark
	x.prove.first = x.try(ctx, c, "", func(s *client.Session) error { return s.Exec(echo) })
	if !strings.Contains(x.prove.first.out, x.prove.mark) {
		return x.failed(x.prove.first.reason())
	}
	x.noise()
	x.prove.shell = x.try(ctx, c, echo+"\nexit\n", (*client.Session).Shell)
	if !strings.Contains(x.prove.shell.out, x.prove.mark) {
		return x.failed(x.prove.shell.reason())
	}
	x.report.ok("session", "a command and a shell run")
	return nil
}

// noise looks at what came besides the command's own word.
func (x *exam) noise() {
	got := strings.TrimRight(x.prove.first.out, "\r\n")
	if got == x.prove.mark {
		return
	}
	extra := strings.Replace(got, x.prove.mark, "", 1)
	x.report.problem("session", "a command's output begins with something else: %q. That breaks scp, sftp, rsync and git", excerpt(extra))
	x.report.advise(do("on the server, a startup file of the shell (~/.bashrc, ~/.cshrc, /etc/bash.bashrc …) prints that. Print only to a terminal: put this before it",
		"[ -t 1 ] || return"))
}

func (t *trialRun) reason() error {
	if t.failed != nil {
		return t.failed
	}
	return errors.New("nothing of what was asked for was run")
}

// maxTrial is how much of a program's output is kept.
const maxTrial = 4096

// try runs a program with an input and gathers what it writes.
func (x *exam) try(ctx context.Context, c *client.Client, input string, start func(*client.Session) error) (t trialRun) {
	ctx, cancel := context.WithTimeout(ctx, x.run.conf.ConnectTimeout)
	defer cancel()
	s, err := c.OpenSession(ctx, client.SessionOptions{})
	if err != nil {
		t.failed = err
		return t
	}
	defer s.Close()
	if t.failed = start(s); t.failed != nil {
		return t
	}
	var outs sync.WaitGroup
	outs.Go(func() { t.out = gather(s) })
	outs.Go(func() { t.err = gather(s.Stderr()) })
	io.WriteString(s, input)
	s.CloseWrite()
	if t.exit, t.failed = s.Wait(ctx); t.failed != nil {
		s.Close() // it would go on writing
	}
	outs.Wait()
	return t
}

// gather reads to the end and keeps the start.
func gather(r io.WriterTo) string {
	kept := &keeper{most: maxTrial}
	r.WriteTo(kept)
	return kept.String()
}

// A keeper takes everything and keeps the start.
type keeper struct {
	kept bytes.Buffer
	most int // bytes
}

func (k *keeper) Write(b []byte) (int, error) {
	if room := k.most - k.kept.Len(); room > 0 {
		k.kept.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

func (k *keeper) String() string { return k.kept.String() }

// said is what a program wrote, the messages before the output.
func (t *trialRun) said() string { return strings.TrimSpace(t.err + "\n" + t.out) }

// ended says how, for a sentence.
func (t *trialRun) ended() string {
	switch {
	case t.failed != nil:
		return ""
	case t.exit.Signal != "":
		return " (ended by signal " + excerpt(t.exit.Signal) + ")"
	}
	return fmt.Sprintf(" (exit code %d)", t.exit.Status)
}

func (t *trialRun) words() string {
	if text := t.said(); text != "" {
		return fmt.Sprintf(" It says: %q", excerpt(text))
	}
	return ""
}

func saysOne(t *trialRun, words ...string) bool {
	text := strings.ToLower(t.said())
	for _, w := range words {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// sessionCauses are logins that lead to nothing.
func sessionCauses() []cause {
	command := func(x *exam) *trialRun { return &x.prove.first }
	user := func(x *exam) string { return getopt.Word(x.run.conf.User) }
	return []cause{
		{"session-refused", atSession, func(x *exam) bool { return errors.As(x.err, new(*mux.OpenError)) },
			func(x *exam) string {
				return "the login works, and the server opens no session: " + farWords(x.err)
			},
			func(x *exam) []remedy {
				return []remedy{do("on the server: MaxSessions 0 in sshd_config allows forwarding alone", "sshd -T -C user="+user(x)+" | grep -i maxsessions"), x.onServer()}
			}},
		{"shell-missing", atSession, func(x *exam) bool {
			return saysOne(command(x), "not currently available", "currently not available", "nologin", "no shell")
		},
			func(x *exam) string {
				return "the login works, and the user's shell is one that lets nobody in (nologin or false)." + command(x).words()
			},
			func(x *exam) []remedy {
				return []remedy{do("on the server, as root: if the user shall have a shell, give it one; ssh -N with forwards, and sftp where it is internal, work without", "getent passwd "+user(x), "usermod -s /bin/bash "+user(x))}
			}},
		{"sftp-only", atSession, func(x *exam) bool { return saysOne(command(x), "sftp") },
			func(x *exam) string {
				return "the login works, and is for file transfer alone (ForceCommand internal-sftp)." + command(x).words()
			},
			func(x *exam) []remedy {
				return []remedy{do("use sftp, or scp", sentenceOfWords(append([]string{"sftp"}, x.sftpWords()...)))}
			}},
		{"exec-refused", atSession, func(x *exam) bool { return errors.As(x.err, new(*client.RefusedError)) },
			func(x *exam) string {
				return "the login works, and the server refuses to run anything: the account is for forwarding alone, its shell or its home is missing, or the server is no general one (a Git host, a router)"
			},
			func(x *exam) []remedy { return []remedy{x.onServer()} }},
		{"session-late", atSession, func(x *exam) bool { return late(x.err) },
			func(x *exam) string {
				return fmt.Sprintf("the login works, and a program that should end at once does not end within %v: a startup file of the shell waits for something, the home directory (NFS) hangs, or a forced command runs.%s", x.run.conf.ConnectTimeout, command(x).words())
			},
			func(x *exam) []remedy {
				return []remedy{do("start a shell without startup files, and look at them", sentenceOfWords(append([]string{"ssh", "-t"}, append(x.words(), "bash --norc --noprofile")...)))}
			}},
		{"ended-after-login", atSession, func(x *exam) bool { return gone(x.err) || errors.Is(x.err, client.ErrNoExit) },
			func(x *exam) string {
				return "the login works, and the server ends the connection at once: its session can't be started (limits, PAM, SELinux, a missing home or shell)." + command(x).words()
			},
			func(x *exam) []remedy { return []remedy{x.onServer()} }},
		{"shell-ends", atSession, func(x *exam) bool { return strings.Contains(command(x).out, x.prove.mark) },
			func(x *exam) string {
				return fmt.Sprintf("the login and commands work, and a shell ends by itself before it reads anything%s: a startup file for logins (~/.bash_profile, ~/.profile, /etc/profile) ends it.%s", x.prove.shell.ended(), x.prove.shell.words())
			},
			func(x *exam) []remedy {
				return []remedy{do("look for exit, exec or set -e in them; a command gets past them", sentenceOfWords(append([]string{"ssh"}, append(x.words(), "cat ~/.bash_profile ~/.profile")...)))}
			}},
		{"shell-fails", atSession, func(x *exam) bool {
			return command(x).said() == "" && command(x).exit.Status != 0
		},
			func(x *exam) string {
				return fmt.Sprintf("the login works, and whatever is run ends at once without a word%s: the user's shell is /bin/false or broken, or a forced command ends so", command(x).ended())
			},
			func(x *exam) []remedy {
				return []remedy{do("on the server: the user's shell, and the options of the key", "getent passwd "+user(x), "grep -n command= "+keysOf(x.run.conf.User)), x.onServer()}
			}},
		{"forced-command", atSession, always,
			func(x *exam) string {
				return fmt.Sprintf("the login works, and the server runs something else than what it is asked to%s: a forced command.%s", command(x).ended(), command(x).words())
			},
			func(x *exam) []remedy {
				return []remedy{
					do("that may be on purpose (backups, Git). It comes from command= before the key in authorized_keys, from ForceCommand in sshd_config, or from the certificate; on the server:",
						"grep -n command= "+keysOf(x.run.conf.User), "sshd -T -C user="+user(x)+" | grep -i forcecommand"),
					do("for a shell, use a key without it: make another one", "ssh-keygen -t ed25519 -f ~/.ssh/id_shell"),
				}
			}},
	}
}

// keysOf is where a user's keys usually are on the server, for its shell: a tilde
// counts there before a name that needs no quotes.
func keysOf(user string) string {
	if getopt.Word(user) != user {
		return "~/.ssh/authorized_keys"
	}
	return "~" + user + "/.ssh/authorized_keys"
}

// sftpWords are the destination in sftp's options, which calls the port -P.
func (x *exam) sftpWords() []string {
	words := x.words()
	for i, w := range words {
		if w == "-p" {
			words[i] = "-P"
		}
	}
	return words
}
