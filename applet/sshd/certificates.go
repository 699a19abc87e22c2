package sshd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/login"
	"github.com/nacre-ssh/nacre/term"
)

// errUntrusted says that neither TrustedUserCAKeys nor a cert-authority line
// trusts a certificate's authority.
var errUntrusted = errors.New("the certificate's authority is not trusted")

func (a *account) keyFiles() *login.KeyFiles {
	return &login.KeyFiles{Patterns: a.cfg.AuthorizedKeysFile, Strict: a.cfg.StrictModes, Log: a.peer.Log}
}

// revoked holds a key, or a certificate with its key and its authority, against
// RevokedKeys. Without the file nobody logs in: a revoked key might.
func (a *account) revoked(k key.Public) error {
	if a.cfg.RevokedKeys == "" {
		return nil
	}
	err := a.revocations.Check(a.cfg.RevokedKeys, k)
	if err != nil {
		a.peer.Log.Info(fmt.Sprintf("Authentication key of %s: %v", term.Printable(a.name), err))
	}
	return err
}

// certificate judges a user's certificate: by the server's authorities, then by
// those that the user's files trust.
func (a *account) certificate(ctx context.Context, c *cert.Certificate) (*auth.Permit, error) {
	permit, err := a.byTrustedCA(ctx, c)
	if permit != nil {
		return permit, nil
	}
	a.peer.Log.Debug(fmt.Sprintf("certificate %q: %v", term.Printable(c.KeyID), err))
	return a.byAuthorizedKeys(ctx, c)
}

// use is what a certificate must be good for here, but for its principal.
func (a *account) use(authority func(key.Public) bool) cert.Use {
	return cert.Use{
		Kind: cert.User, Principal: a.user.Name, Now: time.Now(), Source: a.peer.Remote.Addr(),
		Authority: authority, Algorithms: a.cfg.CASignatureAlgorithms, RequiredRSASize: a.cfg.RequiredRSASize,
		Revoked: func(c *cert.Certificate) error { return a.revoked(c) },
	}
}

// byTrustedCA is TrustedUserCAKeys with AuthorizedPrincipalsFile.
func (a *account) byTrustedCA(ctx context.Context, c *cert.Certificate) (*auth.Permit, error) {
	if a.cfg.TrustedUserCAKeys == "" || !keyListed(a.cfg.TrustedUserCAKeys, c.Authority) {
		return nil, errUntrusted
	}
	use := a.use(func(k key.Public) bool { return keyListed(a.cfg.TrustedUserCAKeys, k) })
	if a.cfg.AuthorizedPrincipalsFile == "" {
		// The certificate alone says whether its holder must touch.
		return permitCertificate(c, use, &auth.Permit{NoTouchRequired: true})
	}
	files := login.PrincipalFiles{Pattern: a.cfg.AuthorizedPrincipalsFile, Strict: a.cfg.StrictModes, Log: a.peer.Log}
	match, name, err := files.Find(ctx, a.user, c.Principals, a.peer.Remote.Addr())
	if err != nil {
		return nil, err
	}
	a.peer.Log.Debug(fmt.Sprintf("matching principal found: %s line %d", match.File, match.Line))
	use.Principals = []string{name}
	line := permitOf(&match.Restrictions)
	line.NoTouchRequired = true // as above
	return permitCertificate(c, use, line)
}

// byAuthorizedKeys is a cert-authority line of the user's files.
func (a *account) byAuthorizedKeys(ctx context.Context, c *cert.Certificate) (*auth.Permit, error) {
	use := a.use(func(k key.Public) bool { return key.Equal(k, c.Authority) })
	judge := func(principals []string) error {
		use.Principals = principals
		_, err := cert.Verify(c, use)
		return err
	}
	match, err := a.keyFiles().FindAuthority(ctx, a.user, c.Authority, judge, a.peer.Remote.Addr())
	if err != nil {
		return nil, err
	}
	a.peer.Log.Debug(fmt.Sprintf("matching CA found: %s line %d", match.File, match.Line))
	return permitCertificate(c, use, permitOf(&match.Restrictions))
}

// permitCertificate verifies a certificate and adds what it restricts to what a
// line of a file does.
func permitCertificate(c *cert.Certificate, use cert.Use, line *auth.Permit) (*auth.Permit, error) {
	grant, err := cert.Verify(c, use)
	if err != nil {
		return nil, err
	}
	return auth.Merge(line, auth.CertificatePermit(grant))
}

// keyListed looks a key up in a file of public keys, a line each. Lines that
// can't be read trust nobody.
func keyListed(path string, k key.Public) bool {
	text, err := door.ReadCapped(path)
	if err != nil {
		return false
	}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if listed, _, err := cert.ParseLine(line); err == nil && key.Equal(listed, k) {
			return true
		}
	}
	return false
}

// loadHostCertificates joins HostCertificate's files with the host keys they are
// for. What can't be used is told, and left out.
func loadHostCertificates(cfg *config.Server, keys []key.Signer, say func(string)) []key.Signer {
	var signers []key.Signer
	for _, path := range cfg.HostCertificate {
		signer, err := hostCertificate(path, keys)
		if err != nil {
			say(err.Error())
			continue
		}
		signers = append(signers, signer)
	}
	return signers
}

func hostCertificate(path string, keys []key.Signer) (key.Signer, error) {
	text, err := door.ReadCapped(path)
	if err != nil {
		return nil, sshdErrorf("Could not load host certificate \"%s\": %s", term.Printable(path), door.Because(err))
	}
	k, _, err := cert.ParseFile(text)
	if err != nil {
		return nil, sshdErrorf("Could not load host certificate \"%s\": %s", term.Printable(path), door.Because(err))
	}
	c, ok := k.(*cert.Certificate)
	if !ok || c.Kind != cert.Host {
		return nil, sshdErrorf("Certificate file is not a certificate of a host: %s", term.Printable(path))
	}
	for _, signer := range keys {
		if key.Equal(signer.Public(), c.Key) {
			return cert.NewSigner(c, signer)
		}
	}
	return nil, sshdErrorf("No matching private key for certificate: %s", term.Printable(path))
}

// sshdErrorf makes an error of sshd's own words.
func sshdErrorf(format string, args ...any) error { return sshdError(fmt.Sprintf(format, args...)) }
