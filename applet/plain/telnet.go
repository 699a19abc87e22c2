package plain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/telnet"
	"github.com/nacre-ssh/nacre/term"
)

// telnet's exit codes: inetutils has these.
const (
	telnetFailed = 1
	telnetUsage  = 64 // sysexits.h's EX_USAGE
)

// telnetQuiet is how long telnet waits for an answer when its piped input has
// ended. The original closes at once, and loses what it had still to send.
const telnetQuiet = time.Second

// Doors are the programs that speak without SSH.
func Doors() []door.Door {
	return []door.Door{{
		Name: "telnet", Group: "connect", Help: "talk Telnet, or type to any TCP port; nothing is encrypted", Link: true, Run: runTelnet,
	}}
}

// A telnetDoor is one run of telnet.
type telnetDoor struct {
	ctx context.Context
	e   *door.Env
	in  *typedInput

	network   string // "tcp", "tcp4", "tcp6"
	bind      string
	autologin bool
	user      string
	keys      specialKeys
	toggles   telnetToggles
	environ   telnetEnviron
	trace     io.Writer // where option processing is shown

	// While there is a connection:
	conn *telnet.Conn
	run  *plainRun
	host string
	code int
	stop bool // this program is to stop once the terminal is given back
	over bool // the program ends
}

// telnetToggles are what the toggle command changes.
type telnetToggles struct {
	autoflush, autosynch, crlf, crmod, options, inBinary, outBinary bool
	localchars                                                      *bool // nil: true for lines, false for characters
}

// runTelnet is telnet(1): what is said, and the exit codes, are inetutils'.
func runTelnet(ctx context.Context, e *door.Env) int {
	d := &telnetDoor{ctx: ctx, e: e, in: &typedInput{file: e.Stdin}, network: "tcp", keys: defaultSpecialKeys(), trace: e.Stdout}
	d.keys.escape = ctrl(']')
	d.toggles.autoflush = true
	table := d.options()
	operands, err := table.Parse(e.Args, -1)
	if err != nil {
		return d.misused(err)
	}
	if d.over {
		return d.code
	}
	if len(operands) > 2 {
		e.Errorf("telnet: too many arguments")
		return telnetFailed
	}
	if len(operands) == 0 {
		return d.prompt()
	}
	d.open(operands)
	return d.code
}

// errTelnetHelp ends the reading of options.
var errTelnetHelp = errors.New("help")

func (d *telnetDoor) options() getopt.Table {
	var table getopt.Table
	flag := func(letter byte, long, help string, do func()) {
		table = append(table, getopt.Row{Letter: letter, Long: long, Help: help, Do: func(string) error { do(); return nil }})
	}
	text := func(letter byte, long, arg, help string, do func(string) error) {
		table = append(table, getopt.Row{Letter: letter, Long: long, Arg: arg, Help: help, Do: do})
	}
	flag('4', "ipv4", "use only IPv4", func() { d.network = "tcp4" })
	flag('6', "ipv6", "use only IPv6", func() { d.network = "tcp6" })
	flag('8', "binary", "use an 8-bit data transmission", func() { d.toggles.inBinary, d.toggles.outBinary = true, true })
	flag('a', "login", "send the name of the local user", func() { d.autologin = true })
	text('b', "bind", "ADDRESS", "bind to specific local ADDRESS", func(s string) error { d.bind = s; return nil })
	flag('c', "no-rc", "accepted: ~/.telnetrc is never read", func() {})
	flag('d', "debug", "accepted: sockets are not debugged; toggle options shows what is negotiated", func() {})
	text('e', "escape", "CHAR", "use CHAR as an escape character; an empty one is none", d.setEscape)
	flag('E', "no-escape", "use no escape character", func() { d.keys.escape, d.keys.rlogin = off, off })
	flag('K', "no-login", "send no user's name", func() { d.autologin = false })
	text('l', "user", "USER", "send USER as the user's name", d.setUser)
	flag('L', "binary-output", "use an 8-bit data transmission for output only", func() { d.toggles.outBinary = true })
	text('n', "trace", "FILE", "record the options that are negotiated in FILE", d.setTrace)
	flag('r', "rlogin", "use a user-interface similar to rlogin: ~. ends, ~^] is the command mode", d.likeRlogin)
	text('x', "encrypt", "", "refused: Telnet's encryption is broken; ssh has one", func(string) error {
		return errors.New("encryption is not supported; use ssh")
	})
	text('k', "realm", "REALM", "accepted: there is no Kerberos here", nil)
	text('X', "disable-auth", "ATYPE", "accepted: there is no authentication here", nil)
	flag('V', "version", "print program version", func() { fmt.Fprintf(d.e.Stdout, "telnet (%s)\n", door.Version()); d.over = true })
	for _, letter := range []byte{'?', 0} {
		long := "help"
		if letter == 0 {
			long = "usage"
		}
		text(letter, long, "", "give this help list", func(string) error { return errTelnetHelp })
	}
	return table
}

// misused answers a command line that can't be followed.
func (d *telnetDoor) misused(err error) int {
	var bad *getopt.Error
	switch {
	case errors.Is(err, errTelnetHelp):
		d.usage()
		return 0
	case errors.As(err, &bad):
		d.e.Errorf("telnet: %s\nTry 'telnet --help' or 'telnet --usage' for more information.", telnetComplaint(bad))
		return telnetUsage
	}
	d.e.Errorf("telnet: %v", err)
	return telnetFailed
}

// telnetComplaint has the GNU library's words.
func telnetComplaint(e *getopt.Error) string {
	reason := strings.Replace(e.Reason, "unknown option", "invalid option", 1)
	if len(e.Option) > 1 {
		return strings.Replace(reason, "invalid option", "unrecognized option", 1) + " '--" + e.Option + "'"
	}
	return reason + " -- '" + e.Option + "'"
}

func (d *telnetDoor) usage() {
	fmt.Fprintf(d.e.Stdout, "Usage: telnet [OPTION...] [HOST [PORT]]\nLogin to remote system HOST (optionally, on service port PORT)\n\n%s", d.options().Help())
	fmt.Fprint(d.e.Stdout, "\nNothing is encrypted, passwords neither: where there is a choice, use ssh.\n"+
		"Of the environment only TERM is told, and what was named with -l, -a or the\n"+
		"environ command. When the input is a pipe that has ended, the answer is waited\n"+
		"for until there has been silence for a second.\n")
}

func (d *telnetDoor) setEscape(s string) error {
	d.keys.escape = parseKey(s)

	fmt.Fprintf(d.e.Stdout, "Telnet escape character is '%s'.\n", keyName(d.keys.escape))
	return nil
}

func (d *telnetDoor) likeRlogin() {
	d.keys.rlogin = '~'
}

func (d *telnetDoor) setUser(s string) error {
	if err := telnet.CheckUser(s); err != nil {
		return err
	}
	d.user, d.autologin = s, true
	return nil
}

// setTrace opens the file for what is negotiated; it is only ever added to.
func (d *telnetDoor) setTrace(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("opening the trace file: %w", err)
	}
	d.trace, d.toggles.options = f, true
	return nil
}

// parseKey reads a character as people write it: "x", "^X", "off", "".
func parseKey(s string) int {
	switch {
	case s == "" || s == "off":
		return off
	case s[0] == '^' && len(s) > 1 && s[1] == '?':
		return 0x7f
	case s[0] == '^' && len(s) > 1:
		return int(s[1]) & 0x1f
	}
	return int(s[0])
}

// keyName writes a character as people read it.
func keyName(key int) string {
	switch {
	case key == off:
		return "off"
	case key < ' ' || key == 0x7f:
		return "^" + string(rune(key^0x40))
	}
	return string(rune(key))
}

// terminal is the type to tell.
func (d *telnetDoor) terminal() string {
	if name := d.e.Getenv("TERM"); name != "" {
		return name
	}
	return "UNKNOWN"
}

// speed is the terminal's: out, in.
func (d *telnetDoor) speed() string {
	const in, out = 128, 129 // RFC 4254, section 8
	modes, err := term.ReadModes(d.e.Stdin)
	if err != nil {
		return "38400,38400"
	}
	i, _ := modes.Get(in)
	o, _ := modes.Get(out)
	if i == 0 || o == 0 {
		return "38400,38400"
	}
	return strconv.Itoa(int(o)) + "," + strconv.Itoa(int(i))
}

// portOf reads a port: a number or a service's name. A dash before it asks for
// options where they would be waited for.
func (d *telnetDoor) portOf(host, s string) (port int, active bool, err error) {
	if s == "" {
		return 23, true, nil
	}
	s, active = strings.CutPrefix(s, "-")
	if n, err := strconv.Atoi(s); err == nil {
		if n < 1 || n > 65535 {
			return 0, false, fmt.Errorf("Port number %s is out of range.", s) //lint:ignore ST1005 the original's words
		}
		return n, active, nil
	}
	port, err = net.DefaultResolver.LookupPort(d.ctx, d.network, s)
	if err != nil {
		return 0, false, fmt.Errorf("Server lookup failure:  %s:%s, Servname not supported for ai_socktype", host, s) //lint:ignore ST1005 the original's words
	}
	return port, active, nil
}
