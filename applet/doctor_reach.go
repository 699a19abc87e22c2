package applet

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/proxy"
	"github.com/nacre-ssh/nacre/wire"
)

func refusedThere(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

func noRoute(err error) bool {
	for _, number := range []error{syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EACCES, syscall.EPERM} {
		if errors.Is(err, number) {
			return true
		}
	}
	return false
}

// connectCauses are about getting a connection at all.
func connectCauses() []cause {
	port := func(x *exam) string { return fmt.Sprintf("%s port %d", x.run.conf.HostName, x.run.conf.Port) }
	jumped := func(x *exam) bool { return len(x.run.conf.ProxyJump) > 0 }
	return []cause{
		{"jump-forbids", atConnect, func(x *exam) bool { return jumped(x) && prohibited(x.err) },
			func(x *exam) string {
				return "the jump host does not allow to connect on from there: " + farWords(x.err)
			},
			func(x *exam) []remedy {
				return []remedy{do("on the jump host: AllowTcpForwarding, PermitOpen and DisableForwarding in sshd_config, and the options of your key in authorized_keys (no-port-forwarding, restrict, permitopen) decide that")}
			}},
		{"jump-loop", atConnect, func(x *exam) bool { return jumped(x) && !farAway(x.err) },
			func(x *exam) string { return "the way over jump hosts can't be gone: " + x.err.Error() },
			func(x *exam) []remedy {
				return []remedy{do("look at ProxyJump"+x.saidBy("ProxyJump")+", for this host and for each host on the way", "nacre config check "+getopt.Word(x.run.line.host))}
			}},
		{"jump-unreachable", atConnect, jumped,
			func(x *exam) string {
				return fmt.Sprintf("the jump host does not get to %s: %s", port(x), farWords(x.err))
			},
			func(x *exam) []remedy {
				return []remedy{do("the name and the port are looked up on the jump host: see what it says there", x.onJump(fmt.Sprintf("getent hosts %s; nc -vz %s %d", getopt.Word(x.run.conf.HostName), getopt.Word(x.run.conf.HostName), x.run.conf.Port)))}
			}},
		{"proxy-password", atConnect, func(x *exam) bool { return errors.As(x.err, new(*proxy.AuthError)) },
			func(x *exam) string { return "the proxy wants to know who you are: " + x.err.Error() },
			func(x *exam) []remedy {
				return []remedy{do("give user and password in the configuration, in a file that only you can read", "Host "+x.run.line.host, "    ProxyURL http://user:password@proxy:3128")}
			}},
		{"proxy-refuses", atConnect, func(x *exam) bool { return errors.As(x.err, new(*proxy.RefusedError)) },
			func(x *exam) string { return x.err.Error() },
			func(x *exam) []remedy {
				return []remedy{do(fmt.Sprintf("many proxies connect to port 443 alone, or to a list of hosts: ask for %s to be allowed, or have the server listen on 443 as well", port(x)))}
			}},
		{"proxy-other", atConnect, func(x *exam) bool { return x.proxyName() != "" },
			func(x *exam) string {
				return fmt.Sprintf("%s fails: %v", x.proxyName(), x.err)
			},
			func(x *exam) []remedy {
				return []remedy{do("check the proxy's address, or go without it if you can", x.withoutProxy())}
			}},
		{"refused", atConnect, func(x *exam) bool { return refusedThere(x.err) },
			func(x *exam) string {
				return fmt.Sprintf("the machine is there, and nothing listens on %s: the SSH server does not run, or uses another port", port(x))
			},
			func(x *exam) []remedy {
				return []remedy{
					do("ask for the right port, and give it with -p or as Port in ~/.ssh/config"),
					do("on the machine itself, see whether the server runs and where it listens", "systemctl status ssh sshd", "ss -ltnp | grep -E 'ssh|dropbear'"),
				}
			}},
		{"filtered", atConnect, func(x *exam) bool { return late(x.err) || errors.Is(x.err, syscall.ETIMEDOUT) },
			func(x *exam) string {
				return fmt.Sprintf("%s does not answer at all within %v: the machine is off, the address is wrong, or a firewall drops the packets", port(x), x.run.conf.ConnectTimeout)
			},
			func(x *exam) []remedy {
				return []remedy{
					do("see whether the machine answers to anything", "ping "+getopt.Word(x.run.conf.HostName)),
					do("if it does, a firewall or a cloud's security group has to let your address through to this port; if not, check the address, the VPN, and that the machine runs"),
				}
			}},
		{"no-route", atConnect, func(x *exam) bool { return noRoute(x.err) },
			func(x *exam) string {
				return fmt.Sprintf("this machine knows no way to %s (%s)", x.run.conf.HostName, strings.ToLower(door.Sentence(x.err)))
			},
			func(x *exam) []remedy {
				return []remedy{do("check this machine's network and VPN, and whether the address is the right one", "ip route", "ip -6 route")}
			}},
	}
}

// prohibited says whether a jump host's rules forbid to connect on.
func prohibited(err error) bool {
	var open *mux.OpenError
	return errors.As(err, &open) && open.Reason == wire.OpenProhibited
}

// farAway says whether an error arose behind the jump host.
func farAway(err error) bool {
	return errors.As(err, new(*mux.OpenError)) || gone(err) || late(err)
}

// farWords are the other side's words in an error.
func farWords(err error) string {
	var open *mux.OpenError
	if errors.As(err, &open) {
		return excerpt(open.Text)
	}
	return door.Sentence(err)
}

// onJump is the command that runs another one on the last host in between.
func (x *exam) onJump(command string) string {
	jumps := x.run.conf.ProxyJump
	last := len(jumps) - 1
	words := []string{"ssh"}
	if file := x.run.line.file; file != "" {
		words = append(words, "-F", file)
	}
	if last > 0 {
		words = append(words, "-J", joinJumps(jumps[:last]))
	}
	host := joinJumps(jumps[last:])
	if jumps[last].Port != 0 {
		host = "ssh://" + host // a port behind a colon counts in that form alone
	}
	return sentenceOfWords(append(words, host, command))
}

// withoutProxy goes straight.
func (x *exam) withoutProxy() string {
	if x.run.conf.ProxyURL != "" {
		return x.ssh("-o", "ProxyURL=none")
	}
	return x.ssh("-o", "ProxyCommand=none")
}
