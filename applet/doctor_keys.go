package applet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// A keyFact is what is known of a key file before the server is asked.
type keyFact struct {
	path    string
	named   bool       // by -i or IdentityFile, not one of the usual
	public  key.Public // nil where the file doesn't show it
	missing bool
	locked  bool  // with a passphrase
	err     error // why it can't be used
}

// keyFacts are the key files and the agent.
type keyFacts struct {
	files    []keyFact
	socket   string // of the agent; "" for none
	agent    []agent.Identity
	agentErr error
}

func (x *exam) findKeys() *keyFacts {
	k := new(keyFacts)
	_, named := x.run.conf.Origin("IdentityFile")
	paths, _ := x.run.conf.IdentityFiles() // methods has failed where this does
	for _, path := range x.missing {
		k.files = append(k.files, keyFact{path: path, named: true, missing: true})
	}
	for _, path := range paths {
		k.files = append(k.files, lookAtKey(path, named))
	}
	k.askAgent((&sshKeys{run: x.run}).socket())
	return k
}

// lookAtKey finds out whether a key file can be used, without opening it.
func lookAtKey(path string, named bool) keyFact {
	f := keyFact{path: path, named: named, public: readPublicHalf(path)}
	text, err := keyfile.ReadPrivate(path)
	if err != nil {
		f.missing = errors.Is(err, fs.ErrNotExist)
		if !f.missing || f.public == nil {
			f.err = err
		}
		return f
	}
	defer clear(text)
	if _, err := keyfile.ParseAuthorizedKey(door.FirstLine(text)); err == nil {
		return f // a public key, which chooses one of the agent's
	}
	public, locked, err := keyfile.ParsePublicOf(text)
	f.locked = locked
	switch {
	case public != nil:
		f.public = public
	case err != nil && !locked:
		f.err = err
	}
	return f
}

func (k *keyFacts) askAgent(socket string) {
	if k.socket = socket; socket == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stepTime)
	defer cancel()
	c, err := agent.Dial(ctx, socket)
	if err == nil {
		defer c.Close()
		k.agent, err = c.List(ctx)
	}
	k.agentErr = err
}

// tooOpenError is the error of a file that others may read, nil for none.
func (f *keyFact) tooOpenError() *keyfile.PermissionsError {
	var open *keyfile.PermissionsError
	errors.As(f.err, &open)
	return open
}

// tell reports what is wrong before any key is offered.
func (k *keyFacts) tell(x *exam) {
	for i := range k.files {
		f := &k.files[i]
		switch open := f.tooOpenError(); {
		case open != nil:
			x.report.problem("key", "%s: others may read it (mode %04o), so ssh does not use it", x.home(f.path), open.Mode.Perm())
		case f.missing && f.named && f.public == nil:
			x.report.problem("key", "%s does not exist", x.home(f.path))
		case f.err != nil && !f.missing:
			x.report.problem("key", "%s: %v", x.home(f.path), withoutPath(f.err))
		}
	}
	switch {
	case k.agentErr != nil:
		x.report.problem("agent", "%s does not answer: %s", k.socket, door.Sentence(k.agentErr))
	case k.socket != "":
		x.report.ok("agent", "it has %d keys", len(k.agent))
	}
}

// withoutPath drops what names a file that the sentence names already.
func withoutPath(err error) error {
	var load *keyfile.LoadError
	if errors.As(err, &load) {
		return load.Err
	}
	return err
}

// home shortens a path for people.
func (x *exam) home(path string) string {
	if home := x.run.Getenv("HOME"); home != "" {
		if rest, err := filepath.Rel(home, path); err == nil && !strings.HasPrefix(rest, "..") {
			return filepath.Join("~", rest)
		}
	}
	return path
}

// find is the first key file of a kind, nil for none.
func (k *keyFacts) find(is func(*keyFact) bool) *keyFact {
	if k == nil {
		return nil
	}
	for i := range k.files {
		if is(&k.files[i]) {
			return &k.files[i]
		}
	}
	return nil
}

// idle are the agent's keys that IdentitiesOnly keeps back.
func (k *keyFacts) idle() []agent.Identity {
	return slices.DeleteFunc(slices.Clone(k.agent), func(id agent.Identity) bool {
		return k.find(func(f *keyFact) bool { return f.public != nil && id.Key != nil && key.Equal(f.public, id.Key) }) != nil
	})
}

// keyFileCauses are keys that could not be offered. They come before those about
// refused keys where a person has named the key, or where nothing was offered.
func keyFileCauses() []cause {
	unusable := func(is func(*keyFact) bool) func(*exam) bool {
		return func(x *exam) bool {
			f := x.keys.find(is)
			return f != nil && (f.named || len(x.offers) == 0) && x.wantsKey()
		}
	}
	open := func(f *keyFact) bool { return f.tooOpenError() != nil }
	absent := func(f *keyFact) bool { return f.missing && f.named && f.public == nil }
	broken := func(f *keyFact) bool { return f.err != nil && !f.missing && f.tooOpenError() == nil }
	return []cause{
		{"key-permissions", atLogin, unusable(open),
			func(x *exam) string {
				f := x.keys.find(open)
				return fmt.Sprintf("the key %s was not offered: others than you may read the file (mode %04o), and ssh uses no such key", x.home(f.path), f.tooOpenError().Mode.Perm())
			},
			func(x *exam) []remedy {
				return []remedy{do("make it yours alone, and try again; if others may have read it, make a new key instead", "chmod 600 "+getopt.Word(x.keys.find(open).path))}
			}},
		{"key-missing", atLogin, unusable(absent),
			func(x *exam) string {
				return fmt.Sprintf("the key file %s does not exist%s", x.home(x.keys.find(absent).path), x.saidBy("IdentityFile"))
			},
			func(x *exam) []remedy {
				return []remedy{do("see which keys there are, and name one of them with -i or IdentityFile", "nacre keys")}
			}},
		{"key-damaged", atLogin, unusable(broken),
			func(x *exam) string {
				f := x.keys.find(broken)
				return fmt.Sprintf("the key %s can't be read: %v", x.home(f.path), withoutPath(f.err))
			},
			func(x *exam) []remedy {
				return []remedy{do("see what the file is; a private key begins with -----BEGIN, or is a .ppk file of PuTTY's", "head -c 60 "+getopt.Word(x.keys.find(broken).path)),
					do("take it from a backup, or make a new key and put it on the server", "ssh-keygen -t ed25519")}
			}},
		{"key-small", atLogin, skippedFor(auth.ErrKeySize),
			func(x *exam) string {
				o := x.skipped(auth.ErrKeySize)
				return fmt.Sprintf("the key %s has %d bits, and RequiredRSASize asks for %d%s", x.source(o), cert.PlainKey(o.key).Bits(), x.run.conf.RequiredRSASize, x.saidBy("RequiredRSASize"))
			},
			func(x *exam) []remedy { return []remedy{do("make a new key and put it on the server", newKey(x)...)} }},
		{"key-algorithm", atLogin, skippedFor(auth.ErrKeyAlgorithm),
			func(x *exam) string {
				o := x.skipped(auth.ErrKeyAlgorithm)
				return fmt.Sprintf("the %s key %s was not offered: %s", key.ShortName(cert.PlainKey(o.key).Type()), x.source(o), x.whyNoAlgorithm())
			},
			func(x *exam) []remedy {
				return []remedy{do("take the line out, or add to the usual ones with +", "nacre config check "+getopt.Word(x.run.line.host)),
					do("or use a key of a type that the server takes, such as Ed25519", newKey(x)...)}
			}},
		{"key-locked", atLogin, func(x *exam) bool { return x.lockedKey() != nil },
			func(x *exam) string {
				return fmt.Sprintf("the server would take the key %s, which is locked with a passphrase, and nobody could be asked for it%s", x.home(x.lockedKey().path), x.whyNotAsked())
			},
			func(x *exam) []remedy {
				return []remedy{do("give it to an agent once, which keeps it open", "eval \"$(ssh-agent)\"; ssh-add "+getopt.Word(x.lockedKey().path)), do("or run doctor on a terminal, without --batch")}
			}},
		{"key-no-signature", atLogin, func(x *exam) bool { return x.unsigned() != nil },
			func(x *exam) string {
				o := x.unsigned()
				return fmt.Sprintf("the server would take the key %s, and it could not be used: %v", x.source(o), o.err)
			},
			func(x *exam) []remedy {
				return []remedy{do("if the agent or a token asks for a confirmation, a touch or a PIN, give it; see what the agent has", "ssh-add -l")}
			}},
		{"identities-only", atLogin, func(x *exam) bool {
			return x.wantsKey() && x.run.conf.IdentitiesOnly && len(x.offers) == 0 && len(x.keys.idle()) > 0
		},
			func(x *exam) string {
				return fmt.Sprintf("the agent has %d keys, and IdentitiesOnly%s keeps them back, since no IdentityFile names them", len(x.keys.idle()), x.saidBy("IdentitiesOnly"))
			},
			func(x *exam) []remedy {
				return []remedy{do("try without it", x.ssh("-o", "IdentitiesOnly=no")),
					do("or name the key's public half as IdentityFile; this prints the agent's", "ssh-add -L")}
			}},
		{"agent-dead", atLogin, func(x *exam) bool { return x.wantsKey() && len(x.offers) == 0 && x.keys.agentErr != nil },
			func(x *exam) string {
				return fmt.Sprintf("no key file can be used, and the agent at %s does not answer (%s)", x.keys.socket, door.Sentence(x.keys.agentErr))
			},
			func(x *exam) []remedy {
				return []remedy{do("start an agent, and give it your keys", "eval \"$(ssh-agent)\"; ssh-add")}
			}},
		{"no-key", atLogin, func(x *exam) bool { return x.wantsKey() && len(x.offers) == 0 },
			func(x *exam) string {
				return "there is no key to offer: none of the usual files exists" + x.agentHas() + ", and the server takes " + strings.Join(x.remaining(), ", ")
			},
			func(x *exam) []remedy {
				return []remedy{do("make a key, and put it on the server", newKey(x)...), do("if you have one elsewhere, name it with -i or IdentityFile; this lists those that are here", "nacre keys")}
			}},
	}
}

func (x *exam) agentHas() string {
	switch {
	case x.keys.socket == "":
		return ", there is no agent (SSH_AUTH_SOCK is not set)"
	case len(x.keys.agent) == 0:
		return ", the agent has none (ssh-add puts one there)"
	}
	return ""
}

// newKey are the commands from no key to one that works.
func newKey(x *exam) []string {
	return []string{"ssh-keygen -t ed25519", "nacre ssh-copy-id " + sentenceOfWords(x.typed("p", "IdentityFile"))}
}
