package applet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
)

// serverWords are what servers say about an account, and what it means; the
// texts are PAM's, login's and OpenSSH's.
func serverWords() [][2]string {
	return [][2]string{
		{"account has expired", "the account has expired"},
		{"account is expired", "the account has expired"},
		{"account expired", "the account has expired"},
		{"password has expired", "the password has expired, and has to be changed before anything else"},
		{"password change required", "the password has to be changed before anything else"},
		{"account is locked", "the account is locked"},
		{"account locked", "the account is locked, often after too many wrong passwords"},
		{"system is going down", "the machine is going down, and lets only root in (/run/nologin)"},
		{"system is booting up", "the machine is still starting, and lets only root in (/run/nologin)"},
		{"unprivileged users are not permitted", "the machine lets only root in for now (/run/nologin)"},
		{"not permitted to log in", "the account may not log in"},
		{"access denied", "the account may not log in (an access rule)"},
	}
}

// heardWords is what the server's words mean, "" for nothing that is known.
func (x *exam) heardWords() string {
	for _, text := range append(slices.Clone(x.said), sentAway(x.err)) {
		for _, row := range serverWords() {
			if strings.Contains(strings.ToLower(text), row[0]) {
				return row[1]
			}
		}
	}
	return ""
}

// onServer is what to do where only the server knows.
func (x *exam) onServer() remedy {
	return do("only the server knows which: on it, as root, this looks at the configuration, the account, the files and the log",
		"nacre doctor --server "+getopt.Word(x.run.conf.User), "journalctl -u ssh -u sshd -n 50")
}

// endedCauses are connections that end during the login.
func endedCauses() []cause {
	ended := func(x *exam) bool { return gone(x.err) || sentAway(x.err) != "" }
	return []cause{
		{"account", atLogin, func(x *exam) bool { return x.heardWords() != "" },
			func(x *exam) string { return "the server says that " + x.heardWords() },
			func(x *exam) []remedy {
				u := getopt.Word(x.run.conf.User)
				return []remedy{do("on the server, as root: see the account's state, and open it again if that is right", "chage -l "+u, "passwd -S "+u, "faillock --user "+u), x.onServer()}
			}},
		{"too-many-keys", atLogin, func(x *exam) bool {
			return strings.Contains(strings.ToLower(sentAway(x.err)), "too many authentication failures") || ended(x) && x.manyKeys()
		},
			func(x *exam) string {
				return fmt.Sprintf("the server ended the connection after %d keys (MaxAuthTries), before the right one had its turn%s", len(x.offers), x.notReached())
			},
			func(x *exam) []remedy {
				right := "~/.ssh/THE_RIGHT_KEY"
				if left := x.unoffered(); len(left) > 0 {
					right = left[0]
				}
				return []remedy{
					do("offer the right key alone", sentenceOfWords(append([]string{"ssh", "-o", "IdentitiesOnly=yes", "-i", right}, x.typed("46ipJ", "IdentityFile", "IdentitiesOnly")...))),
					do("and for always, in ~/.ssh/config:", "Host "+x.run.line.host, "    IdentityFile "+right, "    IdentitiesOnly yes"),
				}
			}},
		{"ended-after-key", atLogin, func(x *exam) bool { return ended(x) && x.accepted() },
			func(x *exam) string {
				return "the server took the key and then ended the connection: the account is locked or expired, an access rule (PAM, /etc/nologin, access.conf) forbids it, or its session can't be started"
			},
			func(x *exam) []remedy { return []remedy{x.onServer()} }},
		{"sent-away", atLogin, func(x *exam) bool { return sentAway(x.err) != "" },
			func(x *exam) string {
				return fmt.Sprintf("the server ends the login and says %q", excerpt(sentAway(x.err)))
			},
			func(x *exam) []remedy { return []remedy{x.onServer()} }},
		{"ended-in-login", atLogin, ended,
			func(x *exam) string { return "the server ended the connection in the middle of the login" },
			func(x *exam) []remedy { return []remedy{x.onServer()} }},
		{"login-late", atLogin, func(x *exam) bool { return late(x.err) },
			func(x *exam) string {
				return "the server does not answer to the login: it waits for something (a directory of users, name lookups with UseDNS, a full disk), or a key waits for a touch or a confirmation here"
			},
			func(x *exam) []remedy { return []remedy{x.onServer()} }},
	}
}

// manyKeys says that keys were refused until the server had enough. Its last word
// may be lost where the connection breaks, so the last key may have no answer.
func (x *exam) manyKeys() bool {
	n := len(x.offers)
	return n > 2 && len(x.refusals()) >= n-1 && x.offers[n-1].result != keyAccepted
}

// accepted says whether the last key was taken as far as it went.
func (x *exam) accepted() bool {
	n := len(x.offers)
	return n > 0 && (x.offers[n-1].result == keyAccepted || x.offers[n-1].result == "")
}

// unoffered are the key files that had no turn.
func (x *exam) unoffered() []string {
	var paths []string
	for _, f := range x.keys.files {
		shown := slices.ContainsFunc(x.offers, func(o offered) bool { return f.public != nil && key.Equal(cert.PlainKey(o.key), f.public) })
		if f.public != nil && f.err == nil && !shown {
			paths = append(paths, f.path)
		}
	}
	return paths
}

func (x *exam) notReached() string {
	if left := x.unoffered(); len(left) > 0 {
		return ": not offered yet is " + x.home(left[0])
	}
	return ""
}

// certificateFault is what is wrong with a certificate by itself, seen from
// here; "" for nothing.
func (x *exam) certificateFault(c *cert.Certificate) string {
	_, err := cert.Verify(c, cert.Use{
		Kind: cert.User, Principal: x.run.conf.User, Now: time.Now(), Source: x.localAddress(), Anywhere: !x.localAddress().IsValid(),
		Authority:  func(k key.Public) bool { return true },
		Algorithms: x.run.conf.CASignatureAlgorithms,
	})
	for _, row := range certificateFaults() {
		if errors.Is(err, row.err) {
			return row.says(x, c)
		}
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// certificateFaults are the sentences for what cert.Verify finds.
func certificateFaults() []struct {
	err  error
	says func(x *exam, c *cert.Certificate) string
} {
	return []struct {
		err  error
		says func(x *exam, c *cert.Certificate) string
	}{
		{cert.ErrExpired, func(_ *exam, c *cert.Certificate) string {
			return fmt.Sprintf("it has expired: it was valid %s, and it is %s by this machine's clock", c.Validity(), clock(time.Now()))
		}},
		{cert.ErrNotYet, func(_ *exam, c *cert.Certificate) string {
			return fmt.Sprintf("it is not valid yet: it is valid %s, and it is %s by this machine's clock (which may be slow)", c.Validity(), clock(time.Now()))
		}},
		{cert.ErrNoPrincipal, func(*exam, *cert.Certificate) string { return "it names no user at all" }},
		{cert.ErrPrincipal, func(x *exam, c *cert.Certificate) string {
			return fmt.Sprintf("it is for %q, and the login is for %q (unless the server has an AuthorizedPrincipalsFile)", c.Principals, x.run.conf.User)
		}},
		{cert.ErrSource, func(x *exam, c *cert.Certificate) string {
			return fmt.Sprintf("it may be used from certain addresses alone (source-address), and this machine's is %s as far as it is known here", x.localAddress())
		}},
		{cert.ErrAlgorithm, func(_ *exam, c *cert.Certificate) string {
			return "its authority signed it with " + c.SignatureAlgorithm + ", which servers no longer take"
		}},
	}
}

// localAddress is this end's address of the connection, invalid behind proxies.
func (x *exam) localAddress() netip.Addr {
	if tcp, ok := x.heard.LocalAddr().(*net.TCPAddr); ok && x.proxyName() == "" && len(x.run.conf.ProxyJump) == 0 {
		return tcp.AddrPort().Addr().Unmap()
	}
	return netip.Addr{}
}

// refusedCertificate is the first certificate that the server refused, and what
// is wrong with it.
func (x *exam) refusedCertificate() (*offered, *cert.Certificate, string) {
	for _, o := range x.refusals() {
		if c, ok := o.key.(*cert.Certificate); ok {
			return &o, c, x.certificateFault(c)
		}
	}
	return nil, nil, ""
}

// skewTime is how far two clocks are expected to differ at most.
const skewTime = 10 * time.Minute

// fresh says whether a certificate is at one end of its life, where two clocks
// may not agree about it.
func freshlyMade(c *cert.Certificate) bool {
	now := uint64(time.Now().Unix())
	near := uint64(skewTime / time.Second)
	return c.ValidAfter != 0 && now >= c.ValidAfter && now-c.ValidAfter < near || c.ValidBefore > now && c.ValidBefore-now < near
}

// certificateCauses are about users' certificates.
func certificateCauses() []cause {
	return []cause{
		{"certificate", atLogin, func(x *exam) bool { _, _, why := x.refusedCertificate(); return x.wantsKey() && why != "" },
			func(x *exam) string {
				o, _, why := x.refusedCertificate()
				return fmt.Sprintf("the certificate %s is refused, and that is why: %s", x.source(o), why)
			},
			func(x *exam) []remedy {
				o, c, _ := x.refusedCertificate()
				return []remedy{
					do("look at it", "ssh-keygen -L -f "+getopt.Word(strings.TrimSuffix(o.source, " agent"))),
					do("have its authority sign the key anew, for this user and this time (on the authority's machine)",
						fmt.Sprintf("ssh-keygen -s CA_KEY -I %s -n %s -V +52w KEY.pub", getopt.Word(c.KeyID), getopt.Word(x.run.conf.User))),
					do("compare the clocks, here and on the server", "date -u"),
				}
			}},
		{"certificate-authority", atLogin, func(x *exam) bool { _, c, _ := x.refusedCertificate(); return x.wantsKey() && c != nil },
			func(x *exam) string {
				o, c, _ := x.refusedCertificate()
				text := fmt.Sprintf("the certificate %s is good by itself and refused all the same: the server does not trust its authority (%s %s), maps names otherwise, or has revoked it",
					x.source(o), cert.ShortName(c.Authority.Type()), x.run.policy.fingerprint(c.Authority))
				if freshlyMade(c) {
					text += "; or the server's clock differs from this one: it is valid " + c.Validity()
				}
				return text
			},
			func(x *exam) []remedy {
				return []remedy{
					do("on the server: whether the authority is among those of TrustedUserCAKeys, and what decides about names", "sshd -T | grep -iE 'trustedusercakeys|authorizedprincipals|revokedkeys'", "ssh-keygen -lf $(sshd -T | awk '/^trustedusercakeys/ {print $2}')", "date -u"),
					x.onServer(),
				}
			}},
	}
}
