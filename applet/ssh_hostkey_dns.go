package applet

import (
	"context"
	"net/netip"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/knownhosts/sshfp"
	"github.com/nacre-ssh/nacre/term"
)

// vouchedByDNS is VerifyHostKeyDNS. It is true for a key that the DNS vouches
// for with DNSSEC, which with "yes" is enough; what else the DNS says is told in
// the question about an unknown key, and with a warning where it says another.
// Of a certificate its plain key is looked up, as OpenSSH does.
func (p *hostPolicy) vouchedByDNS(ctx context.Context, k key.Public) bool {
	if p.conf.VerifyHostKeyDNS == "no" {
		return false
	}
	p.dns = "No matching host key fingerprint found in DNS.\n"
	host := p.conf.HostName
	if _, err := netip.ParseAddr(host); err == nil {
		p.run.say(config.LogDebug1, "debug1: skipped DNS lookup for numerical hostname")
		return false
	}
	answer, err := sshfp.System().Lookup(ctx, host)
	if err != nil {
		p.run.say(config.LogVerbose, "DNS lookup error: %s", term.Printable(err.Error()))
		return false
	}
	p.tellRecords(answer)
	switch answer.Judge(k) {
	case sshfp.Match:
		p.run.say(config.LogDebug1, "debug1: matching host key fingerprint found in DNS")
		p.dns = "Matching host key fingerprint found in DNS.\n"
		if p.conf.VerifyHostKeyDNS == "yes" && answer.Secure {
			p.trusted = k
			return true
		}
	case sshfp.Mismatch:
		p.run.say(config.LogDebug1, "debug1: mismatching host key fingerprint found in DNS")
		p.run.say(config.LogError, "%sUpdate the SSHFP RR in DNS with the new host key to get rid of this message.", p.alarm(k))
	case sshfp.Absent:
		p.run.say(config.LogDebug1, "debug1: no host key fingerprint found in DNS")
	}
	return false
}

func (p *hostPolicy) tellRecords(answer sshfp.Answer) {
	kind := "insecure"
	if answer.Secure {
		kind = "secure"
	}
	p.run.say(config.LogDebug1, "debug1: found %d %s fingerprints in DNS", len(answer.Records), kind)
	if answer.Unheard {
		p.run.say(config.LogDebug1, "debug1: the name server says that DNSSEC vouches for them; that counts with \"options trust-ad\" in /etc/resolv.conf")
	}
	for _, r := range answer.Records {
		p.run.say(config.LogDebug3, "debug3: checking SSHFP type %d fptype %d", r.Algorithm, r.Hash)
	}
}
