package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// A Command is a program that is the connection: what it reads on its standard
// input goes to the host, what it writes comes from there. Its messages are its
// own. It is read only.
type Command struct {
	// Line is for the user's shell, tokens expanded.
	Line string
	// Shell is a program that takes -c; "" is $SHELL, else /bin/sh. On
	// Windows it is cmd.exe whatever this says.
	Shell string
	// PassFD has the program pass a connected socket and go away, instead of
	// carrying the bytes itself (ProxyUseFdpass).
	PassFD bool
	// Stderr is where its messages go; nil discards them.
	Stderr *os.File
}

// unnamedAddr is the address of something that isn't reached by one.
type unnamedAddr struct{}

func (unnamedAddr) Network() string { return "proxy" }

// String is what OpenSSH says of such a peer.
func (unnamedAddr) String() string { return "UNKNOWN port 65535" }

// Unnamed hides the addresses of a connection that leads to a proxy and so isn't
// the host's own: they would be taken for the host's.
func Unnamed(nc net.Conn) net.Conn { return unnamed{nc} }

type unnamed struct{ net.Conn }

func (unnamed) RemoteAddr() net.Addr { return unnamedAddr{} }

// CloseWrite passes the end of what is sent on, where that can be.
func (u unnamed) CloseWrite() error {
	if half, ok := u.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// SyscallConn lets the engine wait for a socket below.
func (u unnamed) SyscallConn() (syscall.RawConn, error) {
	if sc, ok := u.Conn.(syscall.Conn); ok {
		return sc.SyscallConn()
	}
	return nil, errors.ErrUnsupported
}

// pipes are two files as one connection.
type pipes struct {
	in  *os.File // read from
	out *os.File // written to

	once sync.Once
	end  func() // of the process
}

// Read returns io.EOF also where the connection was closed on this side: what
// ended it was an error of writing.
func (p *pipes) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	if errors.Is(err, os.ErrClosed) {
		err = io.EOF
	}
	return n, err
}

func (p *pipes) Write(b []byte) (int, error) { return p.out.Write(b) }
func (p *pipes) LocalAddr() net.Addr         { return unnamedAddr{} }
func (p *pipes) RemoteAddr() net.Addr        { return unnamedAddr{} }

// CloseWrite ends the program's input.
func (p *pipes) CloseWrite() error { return p.out.Close() }

// Close ends the connection and the program.
func (p *pipes) Close() error {
	err := errors.Join(p.in.Close(), ignoreClosed(p.out.Close()))
	p.once.Do(p.end)
	return err
}

func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// SetDeadline implements net.Conn.
func (p *pipes) SetDeadline(t time.Time) error {
	return errors.Join(p.in.SetDeadline(t), p.out.SetDeadline(t))
}

// SetReadDeadline implements net.Conn.
func (p *pipes) SetReadDeadline(t time.Time) error { return p.in.SetDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (p *pipes) SetWriteDeadline(t time.Time) error { return p.out.SetDeadline(t) }
