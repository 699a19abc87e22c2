package keys

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/term"
)

// renderCertificate shows a certificate as puttygen --cert-info does. A plain
// key is no failure, but there is no output.
func (g *puttygen) renderCertificate(k *puttyKey) ([]byte, error) {
	if !keyfile.IsCertificate(k.public) {
		g.Errorf("puttygen: key is not a certificate")
		return nil, nil
	}
	c, err := cert.Parse(k.public)
	if err != nil {
		return nil, fmt.Errorf("unable to decode public key: %w", err)
	}
	var b bytes.Buffer
	line := func(name, value string) { fmt.Fprintf(&b, "%s: %s\n", name, term.Printable(value)) }
	kind, names := "unknown type "+strconv.FormatUint(uint64(c.Kind), 10), "Valid principals"
	switch c.Kind {
	case cert.User:
		kind, names = "user authentication key", "Valid user names"
	case cert.Host:
		kind, names = "host key", "Valid host names"
	}
	line("Certificate type", kind)
	line(names, strings.Join(c.Principals, ","))
	line("Validity period", puttyPeriod(c))
	if c.Kind == cert.User {
		userOptions(c, line)
	}
	line("Certificate ID string", c.KeyID)
	line("Certificate serial number", strconv.FormatUint(c.Serial, 10))
	sha := putty.Hash{Hash: keyfile.SHA256, Certificate: true}
	line("Fingerprint of signing CA key", putty.Fingerprint(c.Authority.Blob(), sha))
	line("Fingerprint including certificate", putty.Fingerprint(k.public, sha))
	return b.Bytes(), nil
}

// userOptions shows what is restricted, and what the usual permissions lack.
func userOptions(c *cert.Certificate, line func(name, value string)) {
	for _, o := range c.Critical {
		name := map[string]string{"source-address": "Permitted client IP addresses", "force-command": "Forced remote command"}[o.Name]
		if text, err := o.Text(); err == nil && name != "" {
			line(name, text)
		}
	}
	for _, e := range [...][2]string{
		{"permit-X11-forwarding", "X11 forwarding permitted"},
		{"permit-agent-forwarding", "Agent forwarding permitted"},
		{"permit-port-forwarding", "Port forwarding permitted"},
		{"permit-pty", "PTY allocation permitted"},
		{"permit-user-rc", "Running user ~/.ssh.rc permitted"},
	} {
		if !slices.ContainsFunc(c.Extensions, func(o cert.Option) bool { return o.Name == e[0] }) {
			line(e[1], "no")
		}
	}
}

func puttyPeriod(c *cert.Certificate) string {
	switch {
	case c.ValidAfter == 0 && c.ValidBefore == cert.Forever:
		return "forever"
	case c.ValidAfter == 0:
		return "until " + puttyTime(c.ValidBefore)
	case c.ValidBefore == cert.Forever:
		return "after " + puttyTime(c.ValidAfter)
	}
	return puttyTime(c.ValidAfter) + " - " + puttyTime(c.ValidBefore)
}

func puttyTime(seconds uint64) string {
	return time.Unix(int64(seconds), 0).UTC().Format("2006-01-02 15:04:05 UTC")
}
