package plain

import (
	"fmt"
	"io"
	"strings"

	"github.com/nacre-ssh/nacre/telnet"
)

// A telnetKey is a character that set and unset change.
type telnetKey struct {
	name, help string
	key        func(k *specialKeys) *int
}

func telnetKeys() []telnetKey {
	return []telnetKey{
		{"echo", "character to toggle local echoing on/off", func(k *specialKeys) *int { return &k.echo }},
		{"escape", "character to escape back to telnet command mode", func(k *specialKeys) *int { return &k.escape }},
		{"rlogin", "rlogin escape character", func(k *specialKeys) *int { return &k.rlogin }},
		{"flushoutput", "character to cause an Abort Output", func(k *specialKeys) *int { return &k.flush }},
		{"interrupt", "character to cause an Interrupt Process", func(k *specialKeys) *int { return &k.interrupt }},
		{"quit", "character to cause an Abort process", func(k *specialKeys) *int { return &k.quit }},
		{"eof", "character to cause an EOF", func(k *specialKeys) *int { return &k.eof }},
		{"erase", "character to use to erase a character", func(k *specialKeys) *int { return &k.erase }},
		{"kill", "character to use to erase a line", func(k *specialKeys) *int { return &k.kill }},
		{"lnext", "character to use for literal next", func(k *specialKeys) *int { return &k.literal }},
		{"susp", "character to cause a Suspend Process", func(k *specialKeys) *int { return &k.suspend }},
		{"reprint", "character to use for line reprint", func(k *specialKeys) *int { return &k.reprint }},
		{"worderase", "character to use to erase a word", func(k *specialKeys) *int { return &k.word }},
		{"forw1", "alternate end of line character", func(k *specialKeys) *int { return &k.forward1 }},
		{"forw2", "alternate end of line character", func(k *specialKeys) *int { return &k.forward2 }},
		{"ayt", "alternate AYT character", func(k *specialKeys) *int { return &k.ayt }},
	}
}

// A telnetToggle is a switch.
type telnetToggle struct {
	name, help string
	says       string // what it will or won't do; "" says it by itself
	get        func(d *telnetDoor) bool
	set        func(d *telnetDoor, on bool)
}

func telnetToggleList() []telnetToggle {
	plain := func(name, help, says string, at func(t *telnetToggles) *bool) telnetToggle {
		return telnetToggle{name, help, says,
			func(d *telnetDoor) bool { return *at(&d.toggles) },
			func(d *telnetDoor, on bool) { *at(&d.toggles) = on }}
	}
	return []telnetToggle{
		plain("autoflush", "flushing of output when sending interrupt characters", "flush output when sending interrupt characters",
			func(t *telnetToggles) *bool { return &t.autoflush }),
		plain("autosynch", "automatic sending of interrupt characters in urgent mode", "send interrupt characters in urgent mode",
			func(t *telnetToggles) *bool { return &t.autosynch }),
		{"autologin", "automatic sending of login and/or authentication info", "send login name and/or authentication information",
			func(d *telnetDoor) bool { return d.autologin }, func(d *telnetDoor, on bool) { d.autologin = on }},
		{"binary", "sending and receiving of binary data", "",
			func(d *telnetDoor) bool { in, out := d.binary(); return in && out },
			func(d *telnetDoor, on bool) { d.setBinary(on, true, true) }},
		{"inbinary", "receiving of binary data", "",
			func(d *telnetDoor) bool { in, _ := d.binary(); return in },
			func(d *telnetDoor, on bool) { d.setBinary(on, true, false) }},
		{"outbinary", "sending of binary data", "",
			func(d *telnetDoor) bool { _, out := d.binary(); return out },
			func(d *telnetDoor, on bool) { d.setBinary(on, false, true) }},
		plain("crlf", "sending carriage returns as telnet <CR><LF>", "send carriage returns as telnet <CR><LF>",
			func(t *telnetToggles) *bool { return &t.crlf }),
		plain("crmod", "mapping of received carriage returns", "map carriage return on output",
			func(t *telnetToggles) *bool { return &t.crmod }),
		{"localchars", "local recognition of certain control characters", "recognize certain control characters", (*telnetDoor).localchars,
			func(d *telnetDoor, on bool) { d.toggles.localchars = &on }},
		plain("options", "viewing of options processing (debugging)", "show option processing",
			func(t *telnetToggles) *bool { return &t.options }),
	}
}

// localchars is as it was set, or true for lines.
func (d *telnetDoor) localchars() bool {
	switch {
	case d.toggles.localchars != nil:
		return *d.toggles.localchars
	case d.conn != nil:
		return d.conn.Mode().Edit
	}
	return true
}

func (d *telnetDoor) binary() (in, out bool) {
	if d.conn == nil {
		return d.toggles.inBinary, d.toggles.outBinary
	}
	out, in = d.conn.Enabled(telnet.Binary)
	return in, out
}

// setBinary asks for eight bits, or for seven.
func (d *telnetDoor) setBinary(on, in, out bool) {
	what := map[[2]bool]string{{true, true}: "mode with remote host", {true, false}: "mode on input", {false, true}: "mode on output"}[[2]bool{in, out}]
	kind := "network ascii"
	if on {
		kind = "binary"
	}
	fmt.Fprintf(d.e.Stdout, "Negotiating %s %s.\n", kind, what)
	if in {
		d.toggles.inBinary = on
	}
	if out {
		d.toggles.outBinary = on
	}
	if d.conn == nil {
		return
	}
	if in {
		d.told(d.conn.Ask(telnet.Binary, on))
	}
	if out {
		d.told(d.conn.Offer(telnet.Binary, on))
	}
}

// applyToggles makes the session follow what was set.
func (d *telnetDoor) applyToggles() {
	if d.run == nil {
		return
	}
	k := d.run.keys
	k.special, k.lineFeed, k.localKeys = d.keys, d.toggles.crlf, d.toggles.localchars
	k.noFlush, k.synch = !d.toggles.autoflush, d.toggles.autosynch
	d.run.screen.returns = d.toggles.crmod
	d.conn.SetTrace(d.tracer())
}

func (d *telnetDoor) commandToggle(args []string) bool {
	if len(args) == 0 {
		d.e.Errorf("Need an argument to 'toggle' command.  'toggle ?' for help.")
		return false
	}
	for _, arg := range args {
		if arg == "?" || arg == "help" {
			d.helpToggles(d.e.Stdout, "toggle")
			return false
		}
		t, match := lookName(arg, telnetToggleList(), func(t telnetToggle) string { return t.name })
		if match != nameFound {
			d.e.Errorf("'%s': %s argument ('toggle ?' for help).", arg, []string{nameUnknown: "unknown", nameAmbiguous: "ambiguous"}[match])
			return false
		}
		d.switchToggle(t, !t.get(d))
	}
	return true
}

func (d *telnetDoor) switchToggle(t telnetToggle, on bool) {
	t.set(d, on)
	if t.says != "" {
		fmt.Fprintf(d.e.Stdout, "%s %s.\n", map[bool]string{true: "Will", false: "Won't"}[on], t.says)
	}
	d.applyToggles()
}

func (d *telnetDoor) helpToggles(w io.Writer, verb string) {
	for _, t := range telnetToggleList() {
		fmt.Fprintf(w, "%-15s %s %s\n", t.name, verb, t.help)
	}
	fmt.Fprintf(w, "\n%-15s %s\n", "?", "display help information")
}

func (d *telnetDoor) helpSet(verb string) {
	for _, k := range telnetKeys() {
		fmt.Fprintf(d.e.Stdout, "%-15s %s\n", k.name, k.help)
	}
	fmt.Fprintln(d.e.Stdout)
	d.helpToggles(d.e.Stdout, verb)
}

// commandSet is "set name value" for characters, and for switches "set name" or
// "set name on".
func (d *telnetDoor) commandSet(args []string) bool {
	if len(args) == 1 && (args[0] == "?" || args[0] == "help") {
		d.helpSet("enable")
		return false
	}
	if len(args) != 1 && len(args) != 2 {
		fmt.Fprintln(d.e.Stdout, "Format is 'set Name Value'\n'set ?' for help.")
		return false
	}
	if t, match := lookName(args[0], telnetToggleList(), func(t telnetToggle) string { return t.name }); match == nameFound {
		on := len(args) == 1 || args[1] == "on"
		if !on && args[1] != "off" {
			fmt.Fprintln(d.e.Stdout, "Format is 'set togglename [on|off]'\n'set ?' for help.")
			return false
		}
		d.switchToggle(t, on)
		return true
	}
	if len(args) == 1 {
		fmt.Fprintln(d.e.Stdout, "Format is 'set Name Value'\n'set ?' for help.")
		return false
	}
	return d.setKey("set", args[0], parseKey(args[1]))
}

func (d *telnetDoor) commandUnset(args []string) bool {
	if len(args) == 0 {
		d.e.Errorf("Need an argument to 'unset' command.  'unset ?' for help.")
		return false
	}
	for _, arg := range args {
		if arg == "?" || arg == "help" {
			d.helpSet("disable")
			return false
		}
		if t, match := lookName(arg, telnetToggleList(), func(t telnetToggle) string { return t.name }); match == nameFound {
			d.switchToggle(t, false)
			continue
		}
		if !d.setKey("unset", arg, off) {
			return false
		}
	}
	return true
}

func (d *telnetDoor) setKey(verb, name string, value int) bool {
	k, match := lookName(name, telnetKeys(), func(k telnetKey) string { return k.name })
	if match != nameFound {
		d.e.Errorf("'%s': %s argument ('%s ?' for help).", name, []string{nameUnknown: "unknown", nameAmbiguous: "ambiguous"}[match], verb)
		return false
	}
	*k.key(&d.keys) = value
	fmt.Fprintf(d.e.Stdout, "%s character is '%s'.\n", k.name, keyName(value))
	d.applyToggles()
	return true
}

// commandDisplay shows all that can be set, or what is named.
func (d *telnetDoor) commandDisplay(args []string) bool {
	wanted := func(name string) bool {
		for _, arg := range args {
			if strings.HasPrefix(name, strings.ToLower(arg)) {
				return true
			}
		}
		return len(args) == 0
	}
	for _, t := range telnetToggleList() {
		if t.says != "" && wanted(t.name) {
			fmt.Fprintf(d.e.Stdout, "%s %s.\n", map[bool]string{true: "will", false: "won't"}[t.get(d)], t.says)
		}
	}
	if len(args) == 0 {
		fmt.Fprintln(d.e.Stdout)
	}
	for _, k := range telnetKeys() {
		if wanted(k.name) {
			fmt.Fprintf(d.e.Stdout, "%-15s [%s]\n", k.name, keyName(*k.key(&d.keys)))
		}
	}
	return true
}
