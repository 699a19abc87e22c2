package plain

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/user"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/telnet"
)

// open connects to a host and, if there is one, a port, and lives there until
// the session is over. It returns false when there was no connection.
func (d *telnetDoor) open(operands []string) bool {
	host, port := operands[0], ""
	if len(operands) > 1 {
		port = operands[1]
	}
	nc, active, err := d.dial(host, port)
	if err != nil {
		to := d.e.Stdout // where the original complains of names
		if nope := new(net.OpError); errors.As(err, &nope) {
			to, err = d.e.Stderr, errors.New("telnet: Unable to connect to remote host: "+door.Sentence(err))
		}
		fmt.Fprintln(to, err)
		d.code = telnetFailed
		return false
	}
	defer nc.Close()
	if err := d.begin(nc, host, active); err != nil {
		d.e.Errorf("telnet: %v", err)
		d.code = telnetFailed
		return false
	}
	d.code = 0
	fmt.Fprintf(d.e.Stdout, "Connected to %s.\nEscape character is '%s'.\n", host, keyName(d.keys.escape))
	err = d.run.run(d.ctx)
	d.conn, d.run = nil, nil
	switch {
	case errors.Is(err, errLeft):
		return true
	case errors.Is(err, telnet.ErrTooLong):
		d.e.Errorf("telnet: %v", err)
	}
	d.e.Errorf("Connection closed by foreign host.")
	d.over = true // the original ends here even where it began with its prompt
	return true
}

// begin speaks Telnet over a connection.
func (d *telnetDoor) begin(nc net.Conn, host string, active bool) error {
	list, err := d.variables()
	if err != nil {
		return err
	}
	columns, rows := plainSize(d.e)
	c, err := telnet.New(nc, telnet.Options{
		Terminal: d.terminal(), Speed: d.speed(), Columns: columns, Rows: rows, Environ: list,
		Active: active, Characters: active, BinaryIn: d.toggles.inBinary, BinaryOut: d.toggles.outBinary, Trace: d.tracer(),
	})
	if err != nil {
		return err
	}
	d.conn, d.host = c, host
	d.run = newPlainRun(d.e, c)
	d.run.in, d.run.escape, d.run.quiet = d.in, d.escape, telnetQuiet
	d.applyToggles()
	return nil
}

// dial tries each of a host's addresses, and says so.
func (d *telnetDoor) dial(host, service string) (net.Conn, bool, error) {
	port, active, err := d.portOf(host, service)
	if err != nil {
		return nil, false, err
	}
	addresses, err := d.lookup(host)
	if err != nil {
		if service == "" {
			service = "telnet"
		}
		return nil, false, fmt.Errorf("Server lookup failure:  %s:%s, %w", host, service, err) //lint:ignore ST1005 the original's words
	}
	dialer, err := d.dialer()
	if err != nil {
		return nil, false, err
	}
	for i, a := range addresses {
		fmt.Fprintf(d.e.Stdout, "Trying %s...\n", a)
		nc, err := dialer.DialContext(d.ctx, "tcp", netip.AddrPortFrom(a, uint16(port)).String())
		if err == nil {
			return nc, active, nil
		}
		if i == len(addresses)-1 {
			return nil, false, err
		}
		d.e.Errorf("Connection failed: %s", door.Sentence(err))
	}
	return nil, false, errors.New("telnet: the host has no address")
}

func (d *telnetDoor) dialer() (*net.Dialer, error) {
	if d.bind == "" {
		return new(net.Dialer), nil
	}
	list, err := d.lookup(d.bind)
	if err != nil {
		return nil, fmt.Errorf("Could not resolve %s: %w", d.bind, err) //lint:ignore ST1005 the original's words
	}
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: list[0].AsSlice()}}, nil
}

// lookup finds a host's addresses of the family that is wanted.
func (d *telnetDoor) lookup(host string) ([]netip.Addr, error) {
	family := "ip" + strings.TrimPrefix(d.network, "tcp")
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Is4() && family == "ip6" || a.Is6() && family == "ip4" {
			return nil, errors.New("Address family for hostname not supported") //lint:ignore ST1005 the original's words
		}
		return []netip.Addr{a}, nil
	}
	list, err := net.DefaultResolver.LookupNetIP(d.ctx, family, host)
	if err != nil || len(list) == 0 {
		return nil, errors.New("Name or service not known") //lint:ignore ST1005 the original's words
	}
	for i := range list {
		list[i] = list[i].Unmap()
	}
	return list, nil
}

// variables are what the other side may learn: those that were named, and USER
// with -l or -a.
func (d *telnetDoor) variables() ([]telnet.Variable, error) {
	list := d.environ.exported()
	if !d.autologin || d.environ.has("USER") {
		return list, nil
	}
	name := d.user
	if name == "" {
		name = d.localUser()
	}
	v := telnet.Variable{Name: "USER", Value: name}
	return append([]telnet.Variable{v}, list...), v.Check()
}

func (d *telnetDoor) localUser() string {
	if name := d.e.Getenv("USER"); name != "" {
		return name
	}
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return ""
}

// tracer shows what is negotiated, if that is wanted.
func (d *telnetDoor) tracer() func(sent bool, text string) {
	if !d.toggles.options {
		return nil
	}
	end := "\n"
	if d.trace == d.e.Stdout {
		end = "\r\n" // the terminal may be raw
	}
	return func(sent bool, text string) {
		word := "RCVD "
		if sent {
			word = "SENT "
		}
		fmt.Fprint(d.trace, word+text+end)
	}
}

// commandOpen is "open [-4] [-6] [-l user] [-b addr] [-a] host-name [port]".
func (d *telnetDoor) commandOpen(args []string) (back bool) {
	if d.conn != nil {
		fmt.Fprintf(d.e.Stdout, "?Already connected to %s\n", d.host)
		return false
	}
	table := getopt.Table{
		{Letter: '4', Do: func(string) error { d.network = "tcp4"; return nil }},
		{Letter: '6', Do: func(string) error { d.network = "tcp6"; return nil }},
		{Letter: 'a', Do: func(string) error { d.autologin = true; return nil }},
		{Letter: 'b', Arg: "addr", Do: func(s string) error { d.bind = s; return nil }},
		{Letter: 'l', Arg: "user", Do: d.setUser},
	}
	operands, err := table.Parse(args, 0) // a port may begin with a dash
	switch bad := new(getopt.Error); {
	case err != nil && !errors.As(err, &bad):
		d.e.Errorf("telnet: %v", err)
		return false
	case err == nil && len(operands) == 0:
		fmt.Fprint(d.e.Stdout, "(to) ")
		line, err := d.in.line()
		if operands = strings.Fields(line); err != nil || len(operands) == 0 {
			operands = nil
		}
	}
	if err != nil || len(operands) < 1 || len(operands) > 2 {
		fmt.Fprintln(d.e.Stdout, "usage: open [-4] [-6] [-l user] [-b addr] [-a] host-name [port]")
		return false
	}
	return d.open(operands)
}

// shellCommand is a shell, or one line for it.
func shellCommand(getenv func(string) string, line string) []string {
	shell, flag := getenv("SHELL"), "-c"
	if os.PathSeparator == '\\' {
		shell, flag = getenv("COMSPEC"), "/c"
	}
	if shell == "" {
		shell = "/bin/sh"
	}
	if line == "" {
		return []string{shell}
	}
	return []string{shell, flag, line}
}
