package applet

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/knownhosts"
)

// A revokedFileError is a host key that RevokedHostKeys names.
type revokedFileError struct {
	file string
	key  key.Public
	err  error
}

func (e *revokedFileError) Error() string { return e.file + ": " + e.err.Error() }
func (e *revokedFileError) Unwrap() error { return e.err }

// judgeHostKey is client.Config's: it finds out what ssh would do about the
// host's key, asks nobody and remembers nothing. A key that ssh would ask about
// passes, since the login itself tells nothing to a wrong host but public keys;
// passwords are not asked for then.
func (x *exam) judgeHostKey(ctx context.Context, at client.Presented) error {
	x.stage = atHostKey
	x.run.peer = peerName(at.Addr)
	x.tellServer()
	x.trust = x.examineKey(ctx, at)
	p, k := x.run.policy, cert.PlainKey(at.Key)
	switch {
	case x.trust == nil:
		x.report.ok("host key", "%s %s is known%s", short(k), p.fingerprint(k), p.foundIn(k))
	case x.strange() && x.wouldAsk():
		p.doubtful = true
		x.report.note("host key", "%s %s is not known yet: ssh will ask, and doctor remembers nothing", short(k), p.fingerprint(k))
		x.report.advise(do("compare the host key's fingerprint with the machine's own, when ssh asks; on the machine:",
			"for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done"))
	case x.strange() && x.run.conf.StrictHostKeyChecking != config.StrictYes && x.run.conf.StrictHostKeyChecking != config.StrictAsk:
		x.report.note("host key", "%s %s is not known, and StrictHostKeyChecking %s takes it unasked", short(k), p.fingerprint(k), x.run.conf.StrictHostKeyChecking)
	case judged[*knownhosts.ChangedError](x) && x.run.conf.StrictHostKeyChecking == config.StrictNo:
		p.doubtful = true
		x.report.problem("host key", "%s; StrictHostKeyChecking no lets it pass, without passwords", hostKeySentence(x))
	default:
		return errHostKey
	}
	x.stage = atLogin
	return nil
}

// strange says that the host is new, or has a key of a new type.
func (x *exam) strange() bool {
	return errors.As(x.trust, new(*knownhosts.UnknownError)) || errors.As(x.trust, new(*knownhosts.OtherTypeError))
}

// wouldAsk says that ssh puts its question about a host that is strange to it.
func (x *exam) wouldAsk() bool {
	return x.run.conf.StrictHostKeyChecking == config.StrictAsk && !x.forbidden
}

// foundIn is where a key stands.
func (p *hostPolicy) foundIn(k key.Public) string {
	for _, port := range []int{p.port, 0} {
		entries, _ := p.db.Lookup(p.host, port)
		for _, e := range entries {
			if e.Key != nil && key.Equal(e.Key, k) {
				return fmt.Sprintf(" from %s:%d", e.File, e.Line)
			}
		}
	}
	return ""
}

// examineKey is the order of hostPolicy's check, without its questions.
func (x *exam) examineKey(ctx context.Context, at client.Presented) error {
	p, plain := x.run.policy, cert.PlainKey(at.Key)
	if plain.Type() == key.TypeRSA && plain.Bits() < p.conf.RequiredRSASize {
		return &key.SizeError{Type: key.TypeRSA, Bits: plain.Bits()}
	}
	if p.conf.NoHostAuthenticationForLocalhost && p.conf.HostKeyAlias == "" && isLoopback(at.Addr) {
		return nil
	}
	for _, file := range p.conf.RevokedHostKeys {
		if err := door.CheckRevoked(file, at.Key); err != nil {
			return &revokedFileError{file, plain, err}
		}
	}
	if x.inDNS(ctx, plain) {
		return nil
	}
	if c, ok := at.Key.(*cert.Certificate); ok {
		if done, err := x.examineCertificate(ctx, c); done {
			return err
		}
	}
	return p.known(ctx, "HOSTNAME", plain).Check(p.host, p.port, p.addressToCheck(at), plain)
}

// inDNS is VerifyHostKeyDNS: true where the DNS vouches for the key.
func (x *exam) inDNS(ctx context.Context, k key.Public) bool {
	p := x.run.policy
	ctx, cancel := context.WithTimeout(ctx, x.run.conf.ConnectTimeout)
	defer cancel()
	vouched := p.vouchedByDNS(ctx, k)
	switch {
	case vouched:
		x.report.ok("host key", "the DNS vouches for it (VerifyHostKeyDNS, DNSSEC)")
	case p.dns != "":
		x.report.note("host key", "VerifyHostKeyDNS%s: %s It decides alone with yes, DNSSEC and \"options trust-ad\" in /etc/resolv.conf", x.saidBy("VerifyHostKeyDNS"), strings.TrimSpace(p.dns))
	}
	return vouched
}

// examineCertificate is done where the host's certificate decides.
func (x *exam) examineCertificate(ctx context.Context, c *cert.Certificate) (done bool, err error) {
	p := x.run.policy
	err = p.known(ctx, "HOSTNAME", c).CheckAuthority(p.host, p.port, c.Authority, c.Key)
	if errors.As(err, new(*knownhosts.UnknownAuthorityError)) {
		x.report.note("host key", "the host shows a certificate of an authority that no @cert-authority line names: its key alone counts")
		return false, nil
	}
	if err != nil {
		return true, err
	}
	_, err = cert.Verify(c, cert.Use{
		Kind: cert.Host, Principal: p.host, Now: time.Now(),
		Authority:  func(k key.Public) bool { return key.Equal(k, c.Authority) },
		Algorithms: p.conf.CASignatureAlgorithms, RequiredRSASize: p.conf.RequiredRSASize,
	})
	if err == nil {
		return true, nil
	}
	x.report.problem("host key", "the host's certificate is no good: %v; it is valid %s for %q, this machine's clock says %s", err, c.Validity(), c.Principals, clock(time.Now()))
	x.report.advise(do("have the authority sign the host's key anew, for the name "+p.host+"; and compare this machine's clock with a good one", "date -u"))
	return false, nil
}

// clock is a moment for people.
func clock(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") }

// as is a row's condition: the judgement is an error of a type.
func as[E error](x *exam) (e E, ok bool) {
	ok = errors.As(x.trust, &e)
	return e, ok
}

func judged[E error](x *exam) bool {
	_, ok := as[E](x)
	return ok
}

// hostKeySentence is what changed.
func hostKeySentence(x *exam) string {
	e, _ := as[*knownhosts.ChangedError](x)
	if e.ByAddress {
		return fmt.Sprintf("the address %s is known with another key in line %d of %s (CheckHostIP)", e.Host, e.Line, e.File)
	}
	return fmt.Sprintf("the key that %s shows, %s, is not the one that line %d of %s has", e.Host, x.run.policy.fingerprint(e.Presented), e.Line, e.File)
}

// hostKeyCauses are about the host's key.
func hostKeyCauses() []cause {
	return []cause{
		{"host-revoked-file", atHostKey, judged[*revokedFileError],
			func(x *exam) string {
				e, _ := as[*revokedFileError](x)
				if errors.Is(e.err, cert.ErrRevoked) {
					return fmt.Sprintf("the host's key %s is revoked by %s, which RevokedHostKeys names%s: it may have been stolen", x.run.policy.fingerprint(e.key), e.file, x.saidBy("RevokedHostKeys"))
				}
				return fmt.Sprintf("the list of revoked keys %s can't be read, so no host is trusted: %v", e.file, e.err)
			},
			func(*exam) []remedy {
				return []remedy{do("do not log in: ask the machine's keeper for its new key, which has to be another one")}
			}},
		{"host-revoked", atHostKey, judged[*knownhosts.RevokedError],
			func(x *exam) string {
				e, _ := as[*knownhosts.RevokedError](x)
				return fmt.Sprintf("line %d of %s marks the key of %s as revoked: it may have been stolen, and who has it can pass for the host", e.Line, e.File, e.Host)
			},
			func(*exam) []remedy {
				return []remedy{do("do not log in: ask the machine's keeper for its new key, which has to be another one")}
			}},
		{"host-changed", atHostKey, judged[*knownhosts.ChangedError],
			func(x *exam) string {
				return hostKeySentence(x) + ": the machine was set up anew, the name or the address leads to another machine now, or somebody is in between"
			},
			func(x *exam) []remedy {
				e, _ := as[*knownhosts.ChangedError](x)
				return []remedy{
					do("first find out which it is: compare the fingerprint with the machine's own, on its console or from its keeper", "for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done"),
					do("only if it is the machine's: forget the old key; ssh then asks about the new one", "ssh-keygen -f "+getopt.Word(e.File)+" -R "+getopt.Word(e.Host)),
				}
			}},
		{"host-unknown", atHostKey, (*exam).strange,
			func(x *exam) string {
				why := "StrictHostKeyChecking is yes" + x.saidBy("StrictHostKeyChecking")
				if x.run.conf.StrictHostKeyChecking != config.StrictYes {
					why = "BatchMode" + x.saidBy("BatchMode") + " forbids to ask"
				}
				return fmt.Sprintf("no key of %s is known, and %s", x.run.policy.name(), why)
			},
			func(x *exam) []remedy {
				return []remedy{
					do("look at the host's key, compare the fingerprint with the machine's own, and remember it", "ssh-keyscan -p "+fmt.Sprint(x.run.conf.Port)+" "+getopt.Word(x.run.conf.HostName)+" | ssh-keygen -lf -"),
					do("or log in once by hand, with a question", x.ssh("-o", "StrictHostKeyChecking=ask", "-o", "BatchMode=no")),
				}
			}},
		{"host-key-small", atHostKey, judged[*key.SizeError],
			func(x *exam) string {
				e, _ := as[*key.SizeError](x)
				return fmt.Sprintf("the host's RSA key has %d bits, and RequiredRSASize asks for %d%s", e.Bits, x.run.conf.RequiredRSASize, x.saidBy("RequiredRSASize"))
			},
			func(*exam) []remedy {
				return []remedy{do("on the server: make a larger key, and better an Ed25519 one", "rm /etc/ssh/ssh_host_rsa_key*; ssh-keygen -A")}
			}},
		{"known-hosts-unreadable", atHostKey, always,
			func(x *exam) string { return fmt.Sprintf("the known hosts can't be read: %v", x.trust) },
			func(x *exam) []remedy {
				return []remedy{do("make the file readable for you alone", "chmod 600 "+getopt.Word(x.run.policy.userFile()))}
			}},
	}
}
