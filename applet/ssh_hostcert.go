package applet

import (
	"context"
	"errors"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/knownhosts"
	"github.com/nacre-ssh/nacre/term"
)

// checkCertificate judges a host's certificate: its authority by known_hosts,
// the rest by itself. It is done unless nothing speaks for the certificate; then
// the key in it is judged like any other, as OpenSSH does.
func (p *hostPolicy) checkCertificate(ctx context.Context, c *cert.Certificate) (done bool, err error) {
	p.run.say(config.LogDebug1, "debug1: Server host certificate: %s %s, serial %d ID \"%s\" CA %s %s valid %s",
		c.Type(), keyfile.FingerprintSHA256(c.Key), c.Serial, term.Printable(c.KeyID),
		c.Authority.Type(), keyfile.FingerprintSHA256(c.Authority), c.Validity())
	err = p.known(ctx, "HOSTNAME", c).CheckAuthority(p.host, p.port, c.Authority, c.Key)
	var unknown *knownhosts.UnknownAuthorityError
	var revoked *knownhosts.RevokedError
	switch {
	case errors.As(err, &unknown):
		p.run.say(config.LogDebug1, "debug1: No matching CA found. Retry with plain key")
		return false, nil
	case errors.As(err, &revoked):
		return true, p.revoked(revoked)
	case err != nil:
		return true, p.refuse("%v", err)
	}
	_, err = cert.Verify(c, cert.Use{
		Kind: cert.Host, Principal: p.host, Now: time.Now(),
		Authority:  func(k key.Public) bool { return key.Equal(k, c.Authority) },
		Algorithms: p.conf.CASignatureAlgorithms, RequiredRSASize: p.conf.RequiredRSASize,
	})
	if err != nil {
		p.run.say(config.LogError, "Certificate invalid: %v", err)
		p.run.say(config.LogDebug1, "debug1: No matching CA found. Retry with plain key")
		return false, nil
	}
	p.run.say(config.LogDebug1, "debug1: Host '%s' is known and matches the %s host certificate.", p.name(), short(c.Key))
	return true, nil
}

// notRevoked holds a key, or a certificate with its key and its authority,
// against RevokedHostKeys.
func (p *hostPolicy) notRevoked(k key.Public) error {
	for _, file := range p.conf.RevokedHostKeys {
		err := door.CheckRevoked(file, k)
		switch {
		case errors.Is(err, cert.ErrRevoked):
			return p.refuse("Host key %s %s revoked by file %s", cert.ShortName(k.Type()), p.fingerprint(cert.PlainKey(k)), file)
		case err != nil:
			return p.refuse("Error checking host key %s %s in revoked keys file %s: %v", cert.ShortName(k.Type()), p.fingerprint(cert.PlainKey(k)), file, err)
		}
	}
	return nil
}
