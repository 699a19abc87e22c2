package keys

import (
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/term"
)

// A certFlag is an extension or a critical option without data that -O turns on
// and off by two words.
type certFlag struct {
	on, off  string // the words, which have no case
	name     string // in the certificate
	critical bool
	given    bool // unless turned off
}

func certFlags() []certFlag {
	return []certFlag{
		{on: "permit-x11-forwarding", off: "no-x11-forwarding", name: "permit-X11-forwarding", given: true},
		{on: "permit-agent-forwarding", off: "no-agent-forwarding", name: "permit-agent-forwarding", given: true},
		{on: "permit-port-forwarding", off: "no-port-forwarding", name: "permit-port-forwarding", given: true},
		{on: "permit-pty", off: "no-pty", name: "permit-pty", given: true},
		{on: "permit-user-rc", off: "no-user-rc", name: "permit-user-rc", given: true},
		{on: "no-touch-required", off: "touch-required", name: "no-touch-required"},
		{on: "verify-required", off: "no-verify-required", name: cert.VerifyRequired, critical: true},
	}
}

// certOptions is one run's -O.
type certOptions struct {
	flags   []certFlag
	texts   []cert.Option // critical
	customs []cert.Option // extensions
}

// certOptions applies -O in the order given and fills in the certificate's
// options. A host's has none but those that were named in full.
func (k *keygen) certOptions(c *cert.Contents) error {
	o := certOptions{flags: certFlags()}
	for _, word := range k.options {
		if err := o.apply(word); err != nil {
			return err
		}
	}
	c.Critical, c.Extensions = o.texts, o.customs
	for _, flag := range o.flags {
		if !flag.given {
			continue
		}
		if flag.critical {
			c.Critical = append(c.Critical, cert.Option{Name: flag.name})
		} else if c.Kind == cert.User {
			c.Extensions = append(c.Extensions, cert.Option{Name: flag.name})
		}
	}
	return nil
}

func (o *certOptions) apply(word string) error {
	if strings.EqualFold(word, "clear") {
		for i := range o.flags {
			o.flags[i].given = false
		}
		return nil
	}
	for i, flag := range o.flags {
		if strings.EqualFold(word, flag.on) || strings.EqualFold(word, flag.off) {
			o.flags[i].given = strings.EqualFold(word, flag.on)
			return nil
		}
	}
	for _, p := range []struct {
		prefix string
		do     func(o *certOptions, value string) error
	}{
		{"force-command=", (*certOptions).command},
		{"source-address=", (*certOptions).sources},
		{"extension:", func(o *certOptions, v string) error { return o.custom(&o.customs, v) }},
		{"critical:", func(o *certOptions, v string) error { return o.custom(&o.texts, v) }},
	} {
		if n := len(p.prefix); len(word) >= n && strings.EqualFold(word[:n], p.prefix) {
			return p.do(o, word[n:])
		}
	}
	return fatalf("Unsupported certificate option \"%s\"", term.Printable(word))
}

func (o *certOptions) has(name string) bool {
	return slices.ContainsFunc(o.texts, func(t cert.Option) bool { return t.Name == name })
}

func (o *certOptions) command(value string) error {
	switch {
	case value == "":
		return fatalf("Empty force-command option")
	case o.has(cert.ForceCommand):
		return fatalf("force-command already specified")
	}
	o.texts = append(o.texts, cert.TextOption(cert.ForceCommand, value))
	return nil
}

func (o *certOptions) sources(value string) error {
	if value == "" {
		return fatalf("Empty source-address option")
	}
	if o.has(cert.SourceAddress) {
		return fatalf("source-address already specified")
	}
	if _, err := cert.ParseSources(value); err != nil {
		return fatalf("Invalid source-address list")
	}
	o.texts = append(o.texts, cert.TextOption(cert.SourceAddress, value))
	return nil
}

// custom takes name or name=value.
func (o *certOptions) custom(to *[]cert.Option, word string) error {
	name, value, has := strings.Cut(word, "=")
	option := cert.Option{Name: name}
	if has {
		option = cert.TextOption(name, value)
	}
	*to = append(*to, option)
	return nil
}
