package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// Methods of RFC 1928, section 3.
const (
	socksNoAuth   = 0
	socksPassword = 2
	socksNothing  = 0xff
)

// socks5Replies are RFC 1928's, section 6.
var socks5Replies = [...]string{
	1: "general failure", 2: "its rules forbid it", 3: "network unreachable", 4: "host unreachable",
	5: "connection refused", 6: "time to live expired", 7: "command not supported", 8: "address type not supported",
}

// dialSOCKS5 speaks RFC 1928, with a password by RFC 1929.
func dialSOCKS5(ctx context.Context, d *Dialer, p *Proxy, to Target) (net.Conn, error) {
	user, password, known := p.User, p.Password, p.HasPassword
	for asked := 0; ; asked++ {
		nc, err := d.connect(ctx, p)
		if err != nil {
			return nil, err
		}
		wants := false
		err = d.guarded(ctx, nc, func() error {
			if wants, err = socks5Greet(nc, p, known || d.Ask != nil); err != nil || !wants || !known {
				return err
			}
			return socks5Login(nc, p, user, password)
		})
		var refused *AuthError
		again := errors.As(err, &refused) && d.Ask != nil && asked < maxAsked
		if err == nil && wants && !known || again {
			// A person takes longer than a proxy waits: a new connection then.
			nc.Close()
			if user, password, err = d.Ask(ctx, Question{p, p.User, "", known}); err != nil {
				return nil, err
			}
			known = true
			continue
		}
		if err == nil {
			err = d.guarded(ctx, nc, func() error { return socks5Connect(nc, p, to) })
		}
		if err != nil {
			nc.Close()
			return nil, socksError(p, err)
		}
		return nc, nil
	}
}

// socksError names the proxy where the error doesn't yet.
func socksError(p *Proxy, err error) error {
	var refused *RefusedError
	var login *AuthError
	var broken *BrokenError
	switch {
	case errors.As(err, &refused), errors.As(err, &login), errors.As(err, &broken):
		return err
	case hungUp(err):
		return &BrokenError{p, "the end of the connection"}
	}
	return fmt.Errorf("the proxy %s: %w", p, err)
}

// hungUp tells that the proxy has ended the connection, politely or not.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// socks5Greet offers the ways to log in and tells whether a password is wanted.
func socks5Greet(nc io.ReadWriter, p *Proxy, passwords bool) (bool, error) {
	hello := []byte{5, 1, socksNoAuth}
	if passwords {
		hello = []byte{5, 2, socksNoAuth, socksPassword}
	}
	if _, err := nc.Write(hello); err != nil {
		return false, err
	}
	var b [2]byte
	if _, err := io.ReadFull(nc, b[:]); err != nil {
		return false, err
	}
	switch {
	case b[0] != 5:
		return false, &BrokenError{p, fmt.Sprintf("version %d", b[0])}
	case b[1] == socksNoAuth:
		return false, nil
	case b[1] == socksPassword && passwords:
		return true, nil
	case b[1] == socksNothing && !passwords:
		return false, &AuthError{p, "it asks for a user and a password"}
	case b[1] == socksNothing:
		return false, &AuthError{p, "it accepts no password and nobody without one"}
	}
	return false, &BrokenError{p, fmt.Sprintf("method %d, which was not offered", b[1])}
}

// socks5Login is RFC 1929.
func socks5Login(nc io.ReadWriter, p *Proxy, user, password string) error {
	if user == "" || len(user) > 255 || len(password) > 255 {
		return fmt.Errorf("the proxy %s takes a user of 1 to 255 bytes and a password up to 255", p)
	}
	b := append([]byte{1, byte(len(user))}, user...)
	b = append(append(b, byte(len(password))), password...)
	if _, err := nc.Write(b); err != nil {
		return err
	}
	var reply [2]byte
	if _, err := io.ReadFull(nc, reply[:]); err != nil {
		return err
	}
	if reply[1] != 0 {
		return &AuthError{p, "it refuses the user or the password"}
	}
	return nil
}

// socks5Connect asks for the target and reads the reply to its last byte.
func socks5Connect(nc io.ReadWriter, p *Proxy, to Target) error {
	if _, err := nc.Write(append(socks5Address([]byte{5, 1, 0}, to.Host), byte(to.Port>>8), byte(to.Port))); err != nil {
		return err
	}
	var b [5]byte // with the first byte of the address
	if _, err := io.ReadFull(nc, b[:]); err != nil {
		return err
	}
	if b[0] != 5 {
		return &BrokenError{p, fmt.Sprintf("version %d", b[0])}
	}
	if b[1] != 0 {
		return &RefusedError{p, to, replyText(socks5Replies[:], b[1])}
	}
	left := map[byte]int{1: 3, 3: int(b[4]), 4: 15}
	n, ok := left[b[3]]
	if !ok {
		return &BrokenError{p, fmt.Sprintf("an address of type %d", b[3])}
	}
	_, err := io.ReadFull(nc, make([]byte, n+2)) // and the port
	return err
}

// socks5Address appends type and address (RFC 1928, section 5). Names are the
// proxy's to resolve.
func socks5Address(b []byte, host string) []byte {
	ip := net.ParseIP(host)
	switch {
	case ip == nil:
		return append(append(b, 3, byte(len(host))), host...)
	case ip.To4() != nil:
		return append(append(b, 1), ip.To4()...)
	}
	return append(append(b, 4), ip.To16()...)
}
