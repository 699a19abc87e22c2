package x11

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/nacre-ssh/nacre/wire"
)

// ChannelType is the type of the channels that programs come by, and Request
// what asks for them (RFC 4254, sections 6.3.1 and 6.3.2).
const (
	ChannelType = "x11"
	Request     = "x11-req"
)

// A Forward is one display, lent to the other side of one connection. Its
// methods may be called from any goroutine.
type Forward struct {
	display Display
	lent    Cookie    // made up: what the other side knows
	own     Cookie    // the display's
	until   time.Time // when no program is let in any more; zero: never
}

// slack is how much longer than it is used an untrusted cookie lives, so that
// the display never forgets it first. OpenSSH has the same minute.
const slack = time.Minute

// cookieSize is that of a MIT-MAGIC-COOKIE-1, in bytes.
const cookieSize = 16

// Options say how a display is lent.
type Options struct {
	Authority string        // the Xauthority file
	Trusted   bool          // programs may do everything, like those here
	Timeout   time.Duration // how long untrusted ones are let in; 0: always
}

// ErrRefused says that a program was not let in.
var ErrRefused = errors.New("X11 connection rejected because of wrong authentication")

// ErrTooLate says that the time for untrusted programs is over.
var ErrTooLate = errors.New("rejected X11 connection after ForwardX11Timeout expired")

// ErrNoCookie says that no cookie of the display is known; it may let programs in
// for another reason.
var ErrNoCookie = errors.New("no cookie for the display was found")

// New lends a display. Where no cookie is known the Forward works all the same,
// if the display lets in whoever comes: then the error is ErrNoCookie.
func New(ctx context.Context, d Display, o Options) (*Forward, error) {
	f := &Forward{display: d, lent: Cookie{MagicCookie, make([]byte, cookieSize)}}
	rand.Read(f.lent.Data) // never fails
	own, known, err := FindCookie(o.Authority, d)
	if err != nil {
		return nil, err
	}
	if o.Trusted {
		if !known {
			return f, ErrNoCookie
		}
		f.own = own
		return f, nil
	}
	if o.Timeout > 0 {
		f.until = time.Now().Add(o.Timeout)
		o.Timeout += slack
	}
	f.own, err = ask(ctx, d, own, o.Timeout)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Open makes a client's connection to a display, with the cookie in an Xauthority
// file, and asks nothing of it: it ends when the display does.
func Open(ctx context.Context, d Display, authority string) (net.Conn, error) {
	own, _, err := FindCookie(authority, d)
	if err != nil {
		return nil, err
	}
	conn, err := d.Dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := greet(conn, own); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// ask gets an untrusted cookie from the display.
func ask(ctx context.Context, d Display, own Cookie, timeout time.Duration) (Cookie, error) {
	conn, err := d.Dial(ctx)
	if err != nil {
		return Cookie{}, fmt.Errorf("the display can't be reached: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	return untrusted(conn, own, timeout)
}

// AppendRequest appends what an x11-req carries (RFC 4254, section 6.3.1).
func (f *Forward) AppendRequest(b []byte) []byte {
	b = wire.AppendBool(b, false) // more than one program
	b = wire.AppendString(wire.AppendString(b, f.lent.Name), hex.EncodeToString(f.lent.Data))
	return wire.AppendUint32(b, uint32(f.display.Screen))
}

// Connect reads the head of a program's connection from r, and connects to the
// display for a program that shows the right cookie. What the program says next
// is still in r. The error is ErrRefused or ErrTooLate for one that may not.
func (f *Forward) Connect(ctx context.Context, r io.Reader) (net.Conn, error) {
	if !f.until.IsZero() && time.Now().After(f.until) {
		return nil, ErrTooLate
	}
	s, err := readSetup(r)
	if err != nil {
		return nil, err
	}
	if !s.shows(f.lent) {
		return nil, ErrRefused
	}
	s.cookie = f.own
	conn, err := f.display.Dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("the display can't be reached: %w", err)
	}
	if _, err := io.Copy(conn, bytes.NewReader(s.append(nil))); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
