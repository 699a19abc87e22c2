package applet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/internal/pattern"
	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/transport"
)

// retired are patterns of algorithms that are no longer offered, and why.
func retired() [][2]string {
	return [][2]string{
		{"diffie-hellman-group1-sha1", "a 1024-bit group, which can be broken"},
		{"*-sha1", "SHA-1, which is broken"},
		{"*-sha1-*", "SHA-1, which is broken"},
		{"rsa1024-*", "1024-bit RSA, which can be broken"},
		{"ssh-dss*", "DSA with 1024 bits and SHA-1, which is broken"},
		{"ssh-rsa*", "RSA with SHA-1, which is broken"},
		{"hmac-md5*", "MD5, which is broken"},
		{"hmac-sha1*", "SHA-1, which is broken"},
		{"umac-64*", "a short tag"},
		{"hmac-ripemd*", "a hash that is no longer kept up"},
		{"*-cbc*", "CBC mode, which leaks text"},
		{"arcfour*", "RC4, which is broken"},
		{"none", "no encryption at all"},
	}
}

// whyRetired is why an algorithm is off, "" for one that is not old.
func whyRetired(name string) string {
	for _, row := range retired() {
		if pattern.Match(name, row[0]) {
			return row[1]
		}
	}
	return ""
}

// A mismatch is one kind of algorithm that nothing is shared of.
type mismatch struct {
	what, keyword string
	ours, theirs  []string
	could         []string // of theirs, what nacre has but doesn't offer
}

// mismatches are all kinds, each once.
func (x *exam) mismatches() []mismatch {
	var first *transport.NegotiationError
	if !errors.As(x.err, &first) {
		return nil
	}
	var list []mismatch
	for _, e := range append([]*transport.NegotiationError{first}, first.More...) {
		if slices.ContainsFunc(list, func(m mismatch) bool { return m.what == e.What }) {
			continue
		}
		m := mismatch{what: e.What, ours: e.Ours, theirs: realNames(e.Theirs)}
		for _, kind := range negotiable() {
			if kind.what == e.What {
				m.keyword = kind.option
				m.could = slices.DeleteFunc(slices.Clone(m.theirs), func(name string) bool { return !slices.Contains(kind.all, name) })
			}
		}
		list = append(list, m)
	}
	return list
}

// realNames leaves the markers in a list of key exchanges out.
func realNames(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return strings.HasPrefix(name, "kex-strict-") || strings.HasPrefix(name, "ext-info-")
	})
}

// old says whether all that the server has of a kind is retired.
func (m *mismatch) old() bool {
	return len(m.theirs) > 0 && !slices.ContainsFunc(m.theirs, func(name string) bool { return whyRetired(name) == "" })
}

// narrowed says whether a line of the configuration is why nothing is shared.
func (x *exam) narrowed(m *mismatch) bool {
	_, said := x.run.conf.Origin(m.keyword)
	return said && m.keyword != "" && !m.old()
}

func anyMismatch(x *exam, is func(*mismatch) bool) bool {
	return slices.ContainsFunc(x.mismatches(), func(m mismatch) bool { return is(&m) })
}

// algorithmCauses are about the key exchange.
func algorithmCauses() []cause {
	return []cause{
		{"algorithms-narrowed", atKeyExchange, func(x *exam) bool { return anyMismatch(x, x.narrowed) },
			func(x *exam) string {
				var parts []string
				for _, m := range x.mismatches() {
					if x.narrowed(&m) {
						parts = append(parts, fmt.Sprintf("this side asks for a %s among %s%s, and the server has %s", m.what, strings.Join(realNames(m.ours), ","), x.saidBy(m.keyword), strings.Join(m.theirs, ",")))
					}
				}
				return strings.Join(parts, "; ")
			},
			func(x *exam) []remedy {
				return []remedy{do("take that line out, or begin its value with + to add to the usual ones instead of replacing them", "nacre config check "+getopt.Word(x.run.line.host))}
			}},
		{"algorithms-old-server", atKeyExchange, func(x *exam) bool { return anyMismatch(x, (*mismatch).old) },
			func(x *exam) string {
				var parts []string
				for _, m := range x.mismatches() {
					parts = append(parts, fmt.Sprintf("%s %s (%s)", m.what, strings.Join(m.theirs, ","), whyRetired(first(m.theirs))))
				}
				return "the server is old, or set up for old clients; it offers nothing but " + strings.Join(parts, "; ")
			},
			allowOld},
		{"algorithms-new-server", atKeyExchange, func(x *exam) bool { return len(x.mismatches()) > 0 },
			func(x *exam) string {
				m := x.mismatches()[0]
				return fmt.Sprintf("this side has no %s that the server takes: the server wants %s", m.what, strings.Join(m.theirs, ","))
			},
			allowOld},
		{"key-exchange-ended", atKeyExchange, func(x *exam) bool { return gone(x.err) || sentAway(x.err) != "" },
			func(x *exam) string {
				why := ""
				if text := sentAway(x.err); text != "" {
					why = fmt.Sprintf(" and says %q", excerpt(text))
				}
				return "the server ends the connection while keys are made" + why + ": it has no algorithm in common with this side, no usable host key, or something on the way ends the connection"
			},
			func(x *exam) []remedy {
				return []remedy{do("on the server: what its log says, and whether its host keys are there and readable", "journalctl -u ssh -u sshd -n 50", "sshd -t; ls -l /etc/ssh/ssh_host_*_key", "ssh-keygen -A")}
			}},
		{"key-exchange-late", atKeyExchange, func(x *exam) bool { return late(x.err) },
			func(x *exam) string {
				return fmt.Sprintf("the server says its version, and then nothing arrives for %v: large packets get lost on the way (a tunnel or VPN with a smaller MTU), or the server is overloaded", x.run.conf.ConnectTimeout)
			},
			func(x *exam) []remedy {
				return []remedy{do("see whether large packets arrive", "ping -M do -s 1400 "+getopt.Word(x.run.conf.HostName)), do("if not, lower the MTU of the interface that leads there", "ip link set dev tun0 mtu 1280")}
			}},
	}
}

// allowOld is how to take what is off, with a warning.
func allowOld(x *exam) []remedy {
	var options, lines []string
	var list []remedy
	for _, m := range x.mismatches() {
		if len(m.could) == 0 {
			list = append(list, do(fmt.Sprintf("nacre has none of the server's %ss: update the server, or have it offer one of these: %s", m.what, strings.Join(realNames(m.ours), ","))))
			if m.keyword != "" {
				list = append(list, do("OpenSSH's ssh may still have it (weak: somebody on the way may read or change what goes through)",
					x.ssh("-o", m.keyword+"=+"+first(m.theirs))))
			}
			if m.keyword == "HostKeyAlgorithms" {
				list = append(list, do("on the server: make host keys of the usual kinds, and restart it", "ssh-keygen -A"))
			}
			continue
		}
		options = append(options, "-o", m.keyword+"=+"+m.could[0])
		lines = append(lines, "    "+m.keyword+" +"+m.could[0])
	}
	if len(list) > 0 || len(options) == 0 {
		return list
	}
	return []remedy{
		do("best: update the server, or turn the usual algorithms on there"),
		do("for this host alone, and knowing that it is weak: somebody on the way may read or change what goes through. Once:",
			x.ssh(options...)),
		do("or for always, in ~/.ssh/config:", append([]string{"Host " + x.run.line.host}, lines...)...),
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// negotiable are the kinds of algorithms that a keyword of the configuration is
// for, with all that there is of each.
func negotiable() []struct {
	what, option string // what is transport.NegotiationError's
	all          []string
} {
	return []struct {
		what, option string
		all          []string
	}{
		{"key exchange method", "KexAlgorithms", kex.Methods()},
		{"cipher", "Ciphers", packet.Ciphers()},
		{"MAC", "MACs", packet.MACs()},
		{"host key type", "HostKeyAlgorithms", door.KnownAlgorithms().HostKeys.All},
	}
}
