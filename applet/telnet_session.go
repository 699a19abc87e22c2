package applet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/nacre-ssh/nacre/telnet"
)

// A plainSession is a connection without SSH: what it speaks, where it goes,
// and what the other side may learn. The telnet door and plink's -telnet, -raw
// and -rlogin make one and give it to runPlain.
type plainSession struct {
	Protocol string // "telnet", "rlogin" or "raw"
	Host     string
	Port     int    // 0 is the protocol's own: 23, 513; raw has none
	Network  string // "tcp" (also ""), "tcp4" or "tcp6"

	// User is who to be there: rlogin's remote name, Telnet's variable USER.
	// "" is nobody: Telnet then tells no name.
	User      string
	LocalUser string // rlogin's local name; "" is User

	Terminal string            // terminal type, such as "xterm"; "" keeps it to ourselves
	Speed    string            // "38400,38400": out, in; "" keeps it to ourselves
	Environ  []telnet.Variable // what Telnet may tell; nothing else is ever told
	Passive  bool              // Telnet waits for the other side to negotiate first

	// Dial makes the connection, where it isn't a plain net.Dialer's: through a
	// proxy, from a given address.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// runPlain connects and carries bytes between standard input and output and the
// other side, with the terminal treated as the protocol wants it and given back
// at the end. It prints nothing of its own. It returns nil when the other side
// ended the connection in order, and an error with a plain sentence otherwise;
// a *net.OpError is in it when connecting or the connection failed.
func runPlain(ctx context.Context, e *Env, s *plainSession) error {
	nc, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer nc.Close()
	c, err := s.speak(nc)
	if err != nil {
		return err
	}
	return carry(e, c)
}

// A plainConn is a connection as its protocol sees it.
type plainConn interface {
	io.ReadWriter
	Resize(columns, rows uint16) error
	EndOfInput() error
	Mode() telnet.Mode
}

func (s *plainSession) dial(ctx context.Context) (net.Conn, error) {
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
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	return dial(ctx, network, net.JoinHostPort(s.Host, strconv.Itoa(port)))
}

func (s *plainSession) speak(nc net.Conn) (plainConn, error) {
	if s.Protocol == "raw" {
		return telnet.Raw{Conn: nc}, nil
	}
	return nil, fmt.Errorf("protocol %q is unknown", s.Protocol)
}

// carry copies both ways until the other side ends.
func carry(e *Env, c plainConn) error {
	go func() {
		io.Copy(c, e.Stdin)
		c.EndOfInput()
	}()
	_, err := io.Copy(e.Stdout, c)
	return err
}
