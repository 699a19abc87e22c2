package applet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
)

// methodCauses are logins for which the two sides share no method.
func methodCauses() []cause {
	without := func(method string) func(*exam) bool {
		return func(x *exam) bool { return x.denied() && !x.takes("publickey") && x.takes(method) && !x.secret }
	}
	terminal := func(x *exam) []remedy {
		return []remedy{
			do("log in with it, on a terminal", x.ssh()),
			do("to use keys, somebody has to turn them on in the server's sshd_config", "PubkeyAuthentication yes"),
		}
	}
	return []cause{
		{"more-than-one", atLogin, func(x *exam) bool { return len(x.more) > 0 },
			func(x *exam) string {
				return "the first step worked, and the server wants another one (AuthenticationMethods): " + strings.Join(x.more, " or ")
			},
			func(x *exam) []remedy {
				return []remedy{do("log in on a terminal, where the second step can be asked for", x.ssh())}
			}},
		{"publickey-off-here", atLogin, func(x *exam) bool {
			return x.denied() && x.takes("publickey") && x.run.conf.PubkeyAuthentication == "no"
		},
			func(x *exam) string {
				return "the server takes keys, and PubkeyAuthentication is no" + x.saidBy("PubkeyAuthentication") + ", so none was offered"
			},
			func(x *exam) []remedy {
				return []remedy{do("take that line out", x.ssh("-o", "PubkeyAuthentication=yes"))}
			}},
		{"publickey-not-preferred", atLogin, func(x *exam) bool {
			chosen := x.run.conf.PreferredAuthentications
			return x.denied() && x.takes("publickey") && chosen != "" && !slices.Contains(strings.Split(chosen, ","), "publickey")
		},
			func(x *exam) string {
				return "the server takes keys, and PreferredAuthentications" + x.saidBy("PreferredAuthentications") + " leaves them out"
			},
			func(x *exam) []remedy {
				return []remedy{do("add publickey to it", x.ssh("-o", "PreferredAuthentications=publickey,password"))}
			}},
		{"password-only", atLogin, without("password"),
			func(x *exam) string {
				return "the server takes no keys for this user, only: " + strings.Join(x.remaining(), ", ") + x.whyNoPassword()
			}, terminal},
		{"keyboard-interactive-only", atLogin, without("keyboard-interactive"),
			func(x *exam) string {
				return "the server takes no keys for this user: it asks questions (keyboard-interactive: a password, a code)" + x.whyNoPassword()
			}, terminal},
		{"no-method", atLogin, func(x *exam) bool { return x.denied() && !x.takes("publickey") && !x.secret },
			func(x *exam) string {
				return fmt.Sprintf("the server takes only %s, which this side does not have", orNothing(x.remaining()))
			},
			func(x *exam) []remedy {
				return []remedy{do("in the server's sshd_config, keys or passwords have to be turned on", "PubkeyAuthentication yes"), x.onServer()}
			}},
	}
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, ", ")
}

// whyNoPassword says why none was asked for.
func (x *exam) whyNoPassword() string {
	switch {
	case !x.asks:
		return "; none was asked for" + x.whyNotAsked()
	case x.run.policy.doubtful:
		return "; none was asked for, because the host's key is not known"
	}
	return ""
}

// refusedCauses are the last rows of a login: the server was shown what there
// is.
func refusedCauses() []cause {
	return []cause{
		{"rsa-sha1", atLogin, func(x *exam) bool { return x.wantsKey() && x.onlyOldRSA() },
			func(x *exam) string {
				return "the server is too old to say which signatures it takes, and RSA keys are offered with SHA-2 here, while it may know SHA-1 alone (or the key is not in authorized_keys)"
			},
			func(x *exam) []remedy {
				return []remedy{
					do("best: use a key of another type, which old servers take as well", newKey(x)...),
					do("for this host alone, and knowing that SHA-1 is broken", x.ssh("-o", "PubkeyAcceptedAlgorithms=+ssh-rsa")),
					x.onServer(),
				}
			}},
		{"key-refused", atLogin, func(x *exam) bool { return x.wantsKey() && len(x.refusals()) > 0 },
			func(x *exam) string {
				return fmt.Sprintf("the server refuses %s for the user %s: it is not in that user's authorized_keys, or the server distrusts that file (it, .ssh or the home directory can be written by others), or the user may not log in at all (no such user, locked, AllowUsers, DenyUsers, PermitRootLogin, the shell)%s",
					x.allRefused(), x.run.conf.User, x.passwordToo())
			}, keyRefusedCure},
		{"password-refused", atLogin, func(x *exam) bool { return x.denied() && x.secret },
			func(x *exam) string {
				return fmt.Sprintf("the server refuses the password of %s: it is wrong, or the user may not log in with a password or at all (PermitRootLogin, AllowUsers, a locked or expired account)", x.run.conf.User)
			},
			func(x *exam) []remedy {
				return []remedy{do("check the user's name" + x.saidBy("User") + " and the keyboard (Caps Lock, layout)"), x.onServer()}
			}},
	}
}

// onlyOldRSA says that only RSA keys were refused, by a server that announces no
// signature algorithms.
func (x *exam) onlyOldRSA() bool {
	refused := x.refusals()
	return len(refused) > 0 && len(x.conn.ServerSigAlgs()) == 0 && !slices.ContainsFunc(refused, func(o offered) bool {
		return cert.PlainKey(o.key).Type() != key.TypeRSA || o.with == key.AlgRSASHA1
	})
}

func (x *exam) allRefused() string {
	refused := x.refusals()
	if len(refused) == 1 {
		return "the key " + x.describeKey(&refused[0])
	}
	return fmt.Sprintf("all %d keys that were offered", len(refused))
}

func (x *exam) passwordToo() string {
	if x.secret {
		return "; it refuses the password, too"
	}
	return ""
}

// whoseName says where the user's name comes from.
func (x *exam) whoseName() string {
	if by := x.saidBy("User"); by != "" {
		return by
	}
	return " (it is the one here, since none was given)"
}

// keyRefusedCure puts the key there, if there is another way in.
func keyRefusedCure(x *exam) []remedy {
	refused := x.refusals()
	path, inAgent := strings.CutSuffix(refused[len(refused)-1].source, " agent")
	copyID := []string{"nacre", "ssh-copy-id"}
	if f := x.keys.find(func(f *keyFact) bool { return f.path == path }); f != nil && !(inAgent && f.public == nil) {
		copyID = append(copyID, "-i", path)
	}
	list := []remedy{do("check the user's name: " + x.run.conf.User + x.whoseName())}
	if x.takes("password") || x.takes("keyboard-interactive") {
		list = append(list, do("put the key on the server; it asks for the password this one time", sentenceOfWords(append(copyID, x.typed("p", "IdentityFile")...))))
	} else {
		line := strings.TrimSpace(string(cert.MarshalLine(cert.PlainKey(refused[len(refused)-1].key), "")))
		list = append(list, do("the server takes no passwords, so somebody who is in has to add this line to "+keysOf(x.run.conf.User)+" of "+x.run.conf.User, line))
	}
	return append(list,
		do("if it is there already: on the server, as that user, let nobody else write these", "chmod go-w ~ ~/.ssh ~/.ssh/authorized_keys"),
		x.onServer())
}
