package applet

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/transport"
)

// A puttyClass is a name of PuTTY's preference lists, and what it stands for on
// the wire, best first. The rows are in the order that PuTTY has where a session
// says nothing; "WARN" is where asking begins.
type puttyClass struct{ name, wire string }

func puttyKex() []puttyClass {
	return []puttyClass{
		{"ntru-curve25519", "sntrup761x25519-sha512 sntrup761x25519-sha512@openssh.com"},
		{"mlkem-curve25519", "mlkem768x25519-sha256"},
		{"mlkem-nist", "mlkem1024nistp384-sha384 mlkem768nistp256-sha256"},
		{"ecdh", "curve448-sha512 curve25519-sha256 curve25519-sha256@libssh.org ecdh-sha2-nistp256 ecdh-sha2-nistp384 ecdh-sha2-nistp521"},
		{"dh-gex-sha1", "diffie-hellman-group-exchange-sha256 diffie-hellman-group-exchange-sha1"},
		{"dh-group18-sha512", "diffie-hellman-group18-sha512"},
		{"dh-group17-sha512", "diffie-hellman-group17-sha512"},
		{"dh-group16-sha512", "diffie-hellman-group16-sha512"},
		{"dh-group15-sha512", "diffie-hellman-group15-sha512"},
		{"dh-group14-sha1", "diffie-hellman-group14-sha256 diffie-hellman-group14-sha1"},
		{"rsa", "rsa2048-sha256 rsa1024-sha1"},
		{"WARN", ""},
		{"dh-group1-sha1", "diffie-hellman-group1-sha1"},
	}
}

func puttyCiphers() []puttyClass {
	return []puttyClass{
		{"aes", "aes256-ctr aes256-cbc rijndael-cbc@lysator.liu.se aes192-ctr aes192-cbc aes128-ctr aes128-cbc"},
		{"chacha20", "chacha20-poly1305@openssh.com"},
		{"aesgcm", "aes128-gcm@openssh.com aes256-gcm@openssh.com"},
		{"3des", "3des-ctr 3des-cbc"},
		{"WARN", ""},
		{"des", "des-cbc"},
		{"blowfish", "blowfish-ctr blowfish-cbc"},
		{"arcfour", "arcfour256 arcfour128"},
	}
}

func puttyHostKeys() []puttyClass {
	return []puttyClass{
		{"ed448", "ssh-ed448"},
		{"ed25519", "ssh-ed25519"},
		{"ecdsa", "ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ecdsa-sha2-nistp521"},
		{"rsa", "rsa-sha2-512 rsa-sha2-256 ssh-rsa"},
		{"dsa", "ssh-dss"},
		{"WARN", ""},
	}
}

// preference reads a session's list: names that nobody knows are dropped, and
// those that it lacks stand where they stand in the table, behind the one before
// them there. Names stay as they are in the table where the list is empty.
func preference(table []puttyClass, list string) []string {
	var names []string
	known := func(name string) bool {
		return slices.ContainsFunc(table, func(c puttyClass) bool { return c.name == name })
	}
	for _, name := range strings.Split(list, ",") {
		if known(name) && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for i, c := range table {
		if slices.Contains(names, c.name) {
			continue
		}
		at := 0
		if i > 0 {
			at = slices.Index(names, table[i-1].name) + 1
		}
		names = slices.Insert(names, at, c.name)
	}
	return names
}

// algorithms are the wire's names for a session's list, of those that the engine
// has, and which of them it warns of. Where the session has no list, the engine's
// own choice goes first.
func (p *plinkRun) algorithms(table []puttyClass, setting string, engine config.Algorithms) (names, weak []string) {
	list, chosen := p.set.Get(setting)
	warn := false
	for _, class := range preference(table, list) {
		if class == "WARN" {
			warn = true
			continue
		}
		i := slices.IndexFunc(table, func(c puttyClass) bool { return c.name == class })
		for _, name := range strings.Fields(table[i].wire) {
			if !slices.Contains(engine.All, name) {
				continue
			}
			names = append(names, name)
			if warn {
				weak = append(weak, name)
			}
		}
	}
	if !chosen || list == "" {
		first := slices.DeleteFunc(slices.Clone(engine.Default), func(name string) bool { return !slices.Contains(names, name) })
		rest := slices.DeleteFunc(names, func(name string) bool { return slices.Contains(first, name) })
		names = append(first, rest...)
	}
	return names, weak
}

func (p *plinkRun) hostKeyPreference() (names, weak []string) {
	return p.algorithms(puttyHostKeys(), "HostKey", door.KnownAlgorithms().HostKeys)
}

func (p *plinkRun) configAlgorithms(c *config.Client) {
	known := door.KnownAlgorithms()
	c.KexAlgorithms, p.weakKex = p.algorithms(puttyKex(), "KEX", known.Kex)
	c.Ciphers, p.weakCiphers = p.algorithms(puttyCiphers(), "Cipher", known.Ciphers)
	// PuTTY's MACs can't be chosen: it takes those with SHA-1, too.
	for _, name := range known.MACs.All {
		if !slices.Contains(c.MACs, name) {
			c.MACs = append(c.MACs, name)
		}
	}
}

// confirmWeak asks about what was negotiated and stands below the session's
// warning line, in PuTTY's order.
func (p *plinkRun) confirmWeak(ctx context.Context) error {
	_, weakKeys := p.hostKeyPreference()
	n := p.negotiated.Load()
	switch {
	case len(p.weakKex)+len(p.weakCiphers)+len(weakKeys) == 0:
		return nil
	case n == nil:
		return plinkFatal("it is not known what was negotiated, so the session can't warn of it")
	}
	for _, row := range [...]struct {
		what, name string
		weak       []string
	}{
		{"key-exchange algorithm", n.Kex, p.weakKex},
		{"host key type", n.HostKey, weakKeys},
		{"client-to-server cipher", n.Out.Cipher, p.weakCiphers},
		{"server-to-client cipher", n.In.Cipher, p.weakCiphers},
	} {
		if !slices.Contains(row.weak, row.name) {
			continue
		}
		p.Errorf("%s", wrap("The first "+row.what+" supported by the server is "+row.name+", which is below the configured warning threshold."))
		if p.line.batch {
			p.Errorf(plinkAbandoned)
			return plinkNoWeak
		}
		p.Errorf("To accept the risk and continue, enter \"y\". To abandon the\nconnection, enter \"n\".")
		answer, err := p.choose(ctx, "Continue with connection? (y/n) ", nil)
		if err != nil {
			return err
		}
		if answer != 'y' {
			p.Errorf(plinkAbandoned)
			return errAbandoned
		}
	}
	return nil
}

// wrap breaks a text into lines as PuTTY's console does.
func wrap(text string) string {
	const width = 60
	var b strings.Builder
	column := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

// plinkEvents is the log of the rooms below. It remembers what was negotiated,
// which is judged together with the host's key, and keeps the packet log.
type plinkEvents struct{ p *plinkRun }

func (p *plinkRun) logger() *slog.Logger { return slog.New(plinkEvents{p}) }

// Enabled implements slog.Handler.
func (e plinkEvents) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelDebug }

// Handle implements slog.Handler.
func (e plinkEvents) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "key exchange" {
		e.p.negotiated.CompareAndSwap(nil, negotiatedOf(r))
	}
	e.p.log.event(sentenceOf(r))
	if e.p.ssh.speaker.Enabled(ctx, r.Level) {
		return e.p.ssh.speaker.Handle(ctx, r)
	}
	return nil
}

// WithAttrs implements slog.Handler; nobody below uses it.
func (e plinkEvents) WithAttrs([]slog.Attr) slog.Handler { return e }

// WithGroup implements slog.Handler; nobody below uses it.
func (e plinkEvents) WithGroup(string) slog.Handler { return e }

func negotiatedOf(r slog.Record) *transport.Negotiated {
	n := new(transport.Negotiated)
	r.Attrs(func(a slog.Attr) bool {
		switch v := a.Value.Any().(type) {
		case string:
			if a.Key == "method" {
				n.Kex = v
			} else if a.Key == "hostkey" {
				n.HostKey = v
			}
		case transport.Direction:
			if a.Key == "out" {
				n.Out = v
			} else if a.Key == "in" {
				n.In = v
			}
		}
		return true
	})
	return n
}
