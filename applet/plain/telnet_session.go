package plain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/telnet"
	"github.com/nacre-ssh/nacre/term"
)

// A Session is a connection without SSH: what it speaks, where it goes,
// and what the other side may learn. plink's -telnet, -raw and -rlogin make one
// and give it to Run.
type Session struct {
	Protocol string // "telnet", "rlogin" or "raw"
	Host     string
	Port     int    // 0 is the protocol's own: 23, 513; raw has none
	Network  string // "tcp" (also ""), "tcp4" or "tcp6"

	// User is who to be there: rlogin's remote name, which is asked for when it
	// is "", and Telnet's variable USER; "" is then nobody.
	User      string
	LocalUser string // rlogin's local name; "" is told as it is

	Terminal   string            // terminal type, such as "xterm"; "" keeps it to ourselves
	Speed      string            // "38400,38400": out, in; "" keeps it to ourselves
	Environ    []telnet.Variable // what Telnet may tell; nothing else is ever told
	RFCEnviron bool              // PuTTY's RFCEnviron
	Passive    bool              // Telnet waits for the other side to negotiate first

	// Dial makes the connection, where it isn't a plain net.Dialer's: through a
	// proxy, from a given address.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Run connects and carries bytes between standard input and output and the
// other side, with the terminal treated as the protocol wants it and given back
// at the end. It prints nothing of its own. It returns nil when the other side
// ended the connection in order, and an error with a plain sentence otherwise;
// a *net.OpError is in it when connecting or the connection failed. The end of
// standard input is told to the other side, whose end is then waited for.
func Run(ctx context.Context, e *door.Env, s *Session) error {
	if s.Protocol == "rlogin" && s.User == "" {
		name, err := term.Ask(ctx, "rlogin username: ")
		if err != nil {
			return err
		}
		s.User = name
	}
	nc, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	c, err := s.speak(e, nc)
	if err != nil {
		return err
	}
	r := newPlainRun(e, c)
	r.cooked = s.Protocol == "raw"
	return r.run(ctx)
}

func (s *Session) dial(ctx context.Context) (net.Conn, error) {
	port := s.Port
	if port == 0 {
		port = map[string]int{"telnet": 23, "rlogin": 513}[s.Protocol]
	}
	if port == 0 {
		return nil, errors.New("a port is needed")
	}
	network := s.Network
	if network == "" {
		network = "tcp"
	}
	dial := s.Dial
	switch {
	case dial != nil:
	case s.Protocol == "rlogin":
		dial = dialPrivileged
	default:
		dial = new(net.Dialer).DialContext
	}
	return dial(ctx, network, net.JoinHostPort(s.Host, strconv.Itoa(port)))
}

// dialPrivileged connects from a port below 1024, which rlogin's servers ask of
// programs that they trust (RFC 1282, section 2), or from any port where the
// system keeps those to itself.
func dialPrivileged(ctx context.Context, network, address string) (net.Conn, error) {
	for port := 1023; port >= 512; port-- {
		d := net.Dialer{LocalAddr: &net.TCPAddr{Port: port}}
		nc, err := d.DialContext(ctx, network, address)
		switch {
		case err == nil:
			return nc, nil
		case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, syscall.EADDRNOTAVAIL):
			continue
		case errors.Is(err, os.ErrPermission):
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		return nil, err
	}
	return nil, errors.New("all local ports from 512 to 1023 are in use")
}

// speak puts the protocol on a connection.
func (s *Session) speak(e *door.Env, nc net.Conn) (plainConn, error) {
	columns, rows := plainSize(e)
	switch s.Protocol {
	case "raw":
		return telnet.Raw{Conn: nc}, nil
	case "rlogin":
		return telnet.NewRlogin(nc, telnet.Login{
			Local: s.LocalUser, Remote: s.User, Terminal: s.Terminal, Speed: firstSpeed(s.Speed), Columns: columns, Rows: rows,
		})
	case "telnet":
		return telnet.New(nc, telnet.Options{
			Terminal: s.Terminal, Speed: s.Speed, Columns: columns, Rows: rows, Environ: s.environ(), RFCEnviron: s.RFCEnviron,
			Active: !s.Passive, Wake: true, Characters: true,
		})
	}
	return nil, fmt.Errorf("protocol %q is unknown", s.Protocol)
}

// environ is what Telnet may tell, the user's name among it.
func (s *Session) environ() []telnet.Variable {
	if s.User == "" {
		return s.Environ
	}
	list := []telnet.Variable{{Name: "USER", Value: s.User}}
	for _, v := range s.Environ {
		if v.Name != "USER" {
			list = append(list, v)
		}
	}
	return list
}

// firstSpeed is the first of two speeds, all that rlogin tells.
func firstSpeed(speeds string) string {
	for i := range len(speeds) {
		if speeds[i] == ',' {
			return speeds[:i]
		}
	}
	return speeds
}

// plainSize is the window's size; 80 and 24 where there is none.
func plainSize(e *door.Env) (columns, rows uint16) {
	for _, f := range []*os.File{e.Stdin, e.Stdout} {
		if !term.IsTerminal(f) {
			continue
		}
		if size, err := term.GetSize(f); err == nil && size.Columns > 0 && size.Rows > 0 {
			return uint16(min(size.Columns, 0xffff)), uint16(min(size.Rows, 0xffff))
		}
	}
	return 80, 24
}
