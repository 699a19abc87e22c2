package applet

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/transport"
)

// version is the server's identification line, "" while it has sent none.
func (h *hearing) version() string {
	for line := range bytes.Lines(h.first) {
		if bytes.HasPrefix(line, []byte("SSH-2.0-")) || bytes.HasPrefix(line, []byte("SSH-1.99-")) {
			return strings.TrimRight(string(line), "\r\n")
		}
	}
	return ""
}

// begins and holds are how a stranger is recognised by its first words.
func begins(prefixes ...string) func(string) bool {
	return func(first string) bool {
		for _, p := range prefixes {
			if strings.HasPrefix(first, p) {
				return true
			}
		}
		return false
	}
}

func holds(start string, words ...string) func(string) bool {
	return func(first string) bool {
		if !strings.HasPrefix(first, start) {
			return false
		}
		for _, w := range words {
			if strings.Contains(strings.ToLower(first), w) {
				return true
			}
		}
		return len(words) == 0
	}
}

// Strangers that have remedies of their own.
const (
	webProxy  = "a web proxy"
	tlsServer = "a TLS server (HTTPS, or another protocol inside TLS)"
)

// stranger is what answers instead of an SSH server, "" for nothing that is
// known.
func (x *exam) stranger() string {
	if x.silent != "" {
		return x.silent
	}
	return looksLike(x.heard.first)
}

// itSays quotes what it said without being asked.
func (x *exam) itSays() string {
	if len(x.heard.first) == 0 {
		return ""
	}
	return fmt.Sprintf(": it says %q", firstLineOf(x.heard.first))
}

// strangers are what may listen where an SSH server was expected; the first row
// that fits counts.
func strangers() []struct {
	what  string
	hears func(first string) bool
} {
	return []struct {
		what  string
		hears func(first string) bool
	}{
		{tlsServer, holds("HTTP/", "http request to an https server", "plain http request was sent to https", "plain http to an ssl-enabled")},
		{webProxy, holds("HTTP/", "\r\nvia:", "\r\nproxy-", "squid", "tinyproxy", "x-cache:", " 407 ")},
		{"a web server (HTTP)", begins("HTTP/", "<!DOCTYPE", "<html", "<HTML")},
		{tlsServer, begins("\x15\x03", "\x16\x03")},
		{"a telnet server", begins("\xff\xfb", "\xff\xfc", "\xff\xfd", "\xff\xfe")},
		{"a mail server (SMTP)", holds("220", "smtp", "mail", "postfix", "exim", "sendmail")},
		{"an FTP server", holds("220", "ftp", "filezilla")},
		{"a mail or FTP server", begins("220 ", "220-")},
		{"a mail server (POP3)", begins("+OK")},
		{"a mail server (IMAP)", begins("* OK", "* PREAUTH")},
		{"a VNC server", begins("RFB 0")},
		{"a Redis server", begins("-ERR", "-DENIED", "-NOAUTH")},
		{"a database server (MySQL or MariaDB)", func(first string) bool {
			return len(first) > 5 && first[3] == 0 && (first[4] == 0x0a || first[4] == 0xff)
		}},
		{"a remote desktop server (RDP)", begins("\x03\x00\x00")},
	}
}

// looksLike names what speaks like this, "" for nothing that is known.
func looksLike(first []byte) string {
	for _, row := range strangers() {
		if row.hears(string(first)) {
			return row.what
		}
	}
	return ""
}

// askAnew finds out whether what said nothing waits for the words of another
// protocol: many servers speak only when they are spoken to, or hang up on who
// doesn't speak as they do.
func (x *exam) askAnew(ctx context.Context) {
	if x.stage != atGreeting || len(x.heard.first) > 0 || x.run.conf.Port == 22 {
		return
	}
	for _, d := range x.dials {
		if d.err == nil {
			x.silent = strangerAt(ctx, x.run.plainDialer().DialContext, d.addr.String())
			return
		}
	}
}

// strangerAt names what answers to HTTP or TLS, "" for nothing.
func strangerAt(ctx context.Context, dial func(context.Context, string, string) (net.Conn, error), address string) string {
	ctx, cancel := context.WithTimeout(ctx, 2*strangerTime)
	defer cancel()
	if nc, err := dial(ctx, "tcp", address); err == nil {
		defer nc.Close()
		nc.SetDeadline(time.Now().Add(strangerTime))
		io.WriteString(nc, "HEAD / HTTP/1.0\r\n\r\n")
		answer, _ := io.ReadAll(io.LimitReader(nc, maxHeard))
		if what := looksLike(answer); what != "" {
			return what
		}
	}
	nc, err := dial(ctx, "tcp", address)
	if err != nil {
		return ""
	}
	defer nc.Close()
	// Nothing is entrusted to it: whether it answers in TLS is all that counts.
	err = tls.Client(nc, &tls.Config{InsecureSkipVerify: true}).HandshakeContext(ctx)
	if err == nil || errors.As(err, new(tls.AlertError)) {
		return tlsServer
	}
	return ""
}

// greetingCauses are about what answers.
func greetingCauses() []cause {
	place := func(x *exam) string { return x.run.peer }
	heard := func(words string) func(*exam) bool {
		return func(x *exam) bool { return bytes.Contains(x.heard.first, []byte(words)) }
	}
	limits := do("on the server: what its limits are now, and what the log says about your address",
		"sshd -T | grep -iE 'maxstartups|persource'", "journalctl -u ssh -u sshd -n 50")
	return []cause{
		{"max-startups", atGreeting, heard("Exceeded MaxStartups"),
			func(x *exam) string {
				return place(x) + " has too many connections that are not logged in yet (MaxStartups), often because of password guessers from the Internet, and drops new ones by chance"
			},
			func(x *exam) []remedy {
				return []remedy{do("try again a few times: it is by chance", x.ssh("-o", "ConnectionAttempts=5")), limits}
			}},
		{"penalty", atGreeting, heard("Not allowed at this time"),
			func(x *exam) string {
				return place(x) + " keeps your address away for a while, because of failed logins or broken connections from it (PerSourcePenalties)"
			},
			func(x *exam) []remedy {
				return []remedy{do("wait some minutes without trying, then let doctor look for why the logins before failed"), limits}
			}},
		{"web-proxy", atGreeting, func(x *exam) bool { return x.stranger() == webProxy },
			func(x *exam) string {
				return fmt.Sprintf("%s answers as a web proxy, not as an SSH server%s", place(x), x.itSays())
			},
			func(x *exam) []remedy {
				return []remedy{
					do("if the way out leads through it, say so (nacre's ssh knows ProxyURL, OpenSSH's doesn't)", "nacre "+x.ssh("-o", "ProxyURL=http://PROXY:3128")),
					do("else check the port: an SSH server usually listens on 22"),
				}
			}},
		{"not-ssh", atGreeting, func(x *exam) bool { return x.stranger() != "" },
			func(x *exam) string {
				return fmt.Sprintf("%s is %s, not an SSH server%s", place(x), x.stranger(), x.itSays())
			},
			func(x *exam) []remedy {
				list := []remedy{do("check the port"+x.saidBy("Port")+": an SSH server usually listens on 22", sentenceOfWords(append([]string{"ssh", "-p", "22"}, x.typed("46iJ", "Port")...)))}
				if x.stranger() == tlsServer {
					list = append(list, do("if SSH is meant to be inside TLS there (stunnel), unwrap it", x.ssh("-o", "ProxyCommand=openssl s_client -quiet -connect %h:%p")))
				}
				return list
			}},
		{"ssh-1", atGreeting, heard("SSH-1."),
			func(x *exam) string {
				return place(x) + " speaks SSH 1 alone, which is broken and which nobody should use"
			},
			func(x *exam) []remedy {
				return []remedy{do("update the server; until then reach it in another way than over a network that others can listen to")}
			}},
		{"stranger", atGreeting, func(x *exam) bool { return len(x.heard.first) > 0 },
			func(x *exam) string {
				return fmt.Sprintf("%s says something that is no SSH: %q", place(x), firstLineOf(x.heard.first))
			},
			func(x *exam) []remedy { return []remedy{do("check the host and the port" + x.saidBy("Port"))} }},
		{"proxy-ended", atGreeting, func(x *exam) bool { return x.proxyName() != "" && gone(x.err) },
			func(x *exam) string {
				return fmt.Sprintf("%s ended before the server said anything: what is written above it, if anything, is its own message", x.proxyName())
			},
			func(x *exam) []remedy {
				line, _ := x.run.conf.ProxyCommandLine()
				return []remedy{do("run it by hand: a line beginning with SSH-2.0 should appear", line)}
			}},
		{"dropped", atGreeting, func(x *exam) bool { return gone(x.err) },
			func(x *exam) string {
				return place(x) + " takes the connection and ends it at once, before a word: the server keeps this address out (fail2ban, hosts.deny, a firewall, PerSourcePenalties), is overloaded (MaxStartups), or can't start a session (no host keys, disk or memory full)"
			},
			func(x *exam) []remedy {
				return []remedy{
					do("wait some minutes and try again, or try from another network: if it works there, your address is kept out"),
					limits,
					do("on the server: who is kept out, and whether the server is well", "fail2ban-client status sshd", "grep -vE '^(#|$)' /etc/hosts.deny /etc/hosts.allow", "sshd -t"),
				}
			}},
		{"silent", atGreeting, func(x *exam) bool { return late(x.err) },
			func(x *exam) string {
				return fmt.Sprintf("%s takes the connection and says nothing for %v: the server hangs or is overloaded, or something else (a firewall, a load balancer) answers in its place", place(x), x.run.conf.ConnectTimeout)
			},
			func(x *exam) []remedy {
				return []remedy{do("on the server: whether the SSH server can work (memory, disk, load), and what it says", "uptime; df -h /; free -m", "journalctl -u ssh -u sshd -n 50"), do("check that the port is the SSH server's")}
			}},
	}
}

func firstLineOf(text []byte) string {
	if i := bytes.IndexAny(text, "\r\n"); i > 0 {
		text = text[:i]
	}
	return excerpt(string(text[:min(len(text), 80)]))
}

// sentAway is the reason that the server gave for ending the connection, "" for
// none.
func sentAway(err error) string {
	var gone *transport.DisconnectError
	if errors.As(err, &gone) && gone.Remote {
		return gone.Text
	}
	return ""
}
