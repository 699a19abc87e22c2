package applet

import (
	"context"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/term"
)

// plinkTrust judges host keys by what PuTTY remembers, by its authorities, or by
// the keys that were named, and asks.
type plinkTrust struct {
	run     *plinkRun
	host    string // under which PuTTY's cache has the keys
	port    int
	manual  []manualKey
	names   []string // the session's host key algorithms, best first
	weak    []string // those of them that are asked about
	cas     []putty.HostCA
	refused error
}

func newPlinkTrust(p *plinkRun) *plinkTrust {
	t := &plinkTrust{run: p, host: p.host, port: p.ssh.conf.Port}
	if name := p.text("LogHost"); name != "" {
		t.host, t.port = logHost(name)
	}
	t.names, t.weak = p.hostKeyPreference()
	specs := append([]string(nil), p.line.hostKeys...)
	if list := p.text("SSHManualHostKeys"); list != "" {
		specs = append(specs, strings.Split(list, ",")...)
	}
	for _, spec := range specs {
		if m, ok := parseManualKey(spec); ok {
			t.manual = append(t.manual, m)
		} else {
			t.refused = plinkFatal("the session's manual host key " + strconv.Quote(spec) + " can't be read")
		}
	}
	all, broken, err := putty.LoadHostCAs(p.store)
	if err != nil || len(broken) > 0 {
		p.ssh.say(config.LogDebug1, "Some host authorities can't be read: %v %v", broken, err)
	}
	for _, ca := range all {
		if ca.Speaks(t.host, t.port) {
			t.cas = append(t.cas, ca)
		}
	}
	return t
}

// logHost reads name[:port].
func logHost(text string) (string, int) {
	name, digits, ok := strings.Cut(text, ":")
	port, err := strconv.Atoi(digits)
	if strings.Count(text, ":") != 1 || !ok || err != nil {
		return strings.Trim(text, "[]"), 22
	}
	return name, port
}

// algorithms puts certificates first where an authority speaks for the host, and
// then what is known of it.
func (t *plinkTrust) algorithms() []string {
	var list []string
	if len(t.cas) > 0 && len(t.manual) == 0 {
		for _, name := range t.names {
			if certified := cert.CertifiedAlgorithm(name); certified != "" {
				list = append(list, certified)
			}
		}
	}
	known, other := t.known()
	return slices.Concat(list, known, other)
}

// known parts the algorithms by whether the cache has a key for them.
func (t *plinkTrust) known() (known, other []string) {
	if len(t.manual) > 0 || !t.run.on("PreferKnownHostKeys", true) {
		return nil, t.names
	}
	cached := map[string]bool{}
	all, err := t.run.store.HostKeys()
	if err != nil {
		t.run.ssh.say(config.LogDebug1, "The cache of host keys can't be read: %v", err)
	}
	for _, h := range all {
		if h.Host != t.host || h.Port != t.port {
			continue
		}
		if k, err := h.Key(); err == nil {
			cached[k.Type()] = true
		}
	}
	for _, name := range t.names {
		if cached[key.TypeOf(name)] {
			known = append(known, name)
		} else {
			other = append(other, name)
		}
	}
	return known, other
}

// check implements [hostTrust].
func (t *plinkTrust) check(ctx context.Context, at client.Presented) error {
	t.run.ssh.peer = peerName(at.Addr)
	if t.refused != nil {
		return t.refused
	}
	if err := t.run.confirmWeak(ctx); err != nil {
		return err
	}
	plain := cert.PlainKey(at.Key)
	t.run.ssh.say(config.LogDebug1, "Host key fingerprint is:\n%s", plinkFingerprint(plain))
	if len(t.manual) > 0 {
		if slices.ContainsFunc(t.manual, func(m manualKey) bool { return m.matches(at.Key) || m.matches(plain) }) {
			return nil
		}
		return plinkFatal("Host key not in manually configured list")
	}
	if c, ok := at.Key.(*cert.Certificate); ok {
		why := t.judge(c)
		if why == "" {
			return nil
		}
		return t.askCertificate(ctx, c, why)
	}
	state, err := putty.CheckHost(t.run.store, t.host, t.port, plain)
	switch {
	case err != nil:
		return plinkFatal(fmt.Sprintf("the host's key can't be looked up: %v", err))
	case state == putty.HostKnown:
		return nil
	}
	if state == putty.HostChanged {
		return t.ask(ctx, plain, t.fill(hostChanged, plain), hostChangedHow, hostChangedAsk)
	}
	return t.ask(ctx, plain, t.fill(hostUnknown, plain), hostUnknownHow, hostUnknownAsk)
}

// askCertificate is about a certificate of a host that an authority should speak
// for, and doesn't.
func (t *plinkTrust) askCertificate(ctx context.Context, c *cert.Certificate, why string) error {
	text := strings.ReplaceAll(t.fill(hostOther, c), "%WHY", term.Printable(why))
	return t.ask(ctx, c.Key, text, hostUnknownHow, hostUnknownAsk)
}

// judge says what is wrong with a host's certificate, "" for nothing.
func (t *plinkTrust) judge(c *cert.Certificate) string {
	i := slices.IndexFunc(t.cas, func(ca putty.HostCA) bool { return key.Equal(ca.Key, c.Authority) })
	if i < 0 {
		return "its authority is not one of those that speak for this host"
	}
	ca := t.cas[i]
	if !ca.Takes(c.SignatureAlgorithm) {
		return "its authority signed with " + c.SignatureAlgorithm + ", which is not permitted for it"
	}
	_, err := cert.Verify(c, cert.Use{
		Kind: cert.Host, Principal: t.host, Now: time.Now(),
		Authority: func(k key.Public) bool { return key.Equal(k, ca.Key) },
	})
	if err != nil {
		return err.Error()
	}
	t.run.ssh.say(config.LogDebug1, "The host's certificate is vouched for by the authority %q.", ca.Name)
	return ""
}

// A manualKey is a key that was named instead of asking: a fingerprint or the
// whole key.
type manualKey struct {
	fingerprint string // SHA256:… or MD5:aa:bb:…
	blob        []byte
}

// md5Text and shaText are fingerprints as -hostkey takes them. PuTTY lets words
// stand before them, such as the key's type and bits.
const (
	md5Text = `^(?:.*\s)?(?i:md5:)?((?:[0-9a-fA-F]{2}:){15}[0-9a-fA-F]{2})$`
	shaText = `^(?:.*\s)?SHA256:([A-Za-z0-9+/]{43})=?$`
)

func parseManualKey(text string) (m manualKey, ok bool) {
	text = strings.TrimSpace(text)
	if parts := regexp.MustCompile(shaText).FindStringSubmatch(text); parts != nil {
		return manualKey{fingerprint: "SHA256:" + parts[1]}, true
	}
	if parts := regexp.MustCompile(md5Text).FindStringSubmatch(text); parts != nil {
		return manualKey{fingerprint: "MD5:" + strings.ToLower(parts[1])}, true
	}
	for _, word := range strings.Fields(text) { // a line of a .pub file has its type first
		blob, err := base64.StdEncoding.DecodeString(word)
		if err == nil && putty.BlobType(blob) != "" {
			if _, err := cert.ParsePublic(blob); err == nil {
				return manualKey{blob: blob}, true
			}
		}
	}
	return manualKey{}, false
}

func (m manualKey) matches(k key.Public) bool {
	if m.blob != nil {
		return string(m.blob) == string(k.Blob())
	}
	return m.fingerprint == keyfile.FingerprintSHA256(k) || m.fingerprint == keyfile.FingerprintMD5(k)
}

func plinkFingerprint(k key.Public) string {
	return putty.Fingerprint(k.Blob(), putty.Hash{Hash: keyfile.SHA256})
}
