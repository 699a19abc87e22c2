package client

import (
	"context"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// DialTCP connects to a host from the server's side: a direct-tcpip channel
// (RFC 4254, section 7.2) as a connection. A refusal is a *mux.OpenError. The
// context bounds the opening, and nothing afterwards.
func (c *Client) DialTCP(ctx context.Context, host string, port int) (net.Conn, error) {
	b := wire.AppendUint32(wire.AppendString(nil, host), uint32(port))
	b = wire.AppendUint32(wire.AppendString(b, "127.0.0.1"), 65535) // whose it is: nobody's
	return c.dialChannel(ctx, "direct-tcpip", b, net.JoinHostPort(host, strconv.Itoa(port)))
}

// DialUnix connects to a Unix socket on the server (PROTOCOL, section 2.4).
func (c *Client) DialUnix(ctx context.Context, path string) (net.Conn, error) {
	b := wire.AppendString(nil, path)
	b = wire.AppendUint32(wire.AppendString(b, ""), 0) // both reserved
	return c.dialChannel(ctx, "direct-streamlocal@openssh.com", b, path)
}

func (c *Client) dialChannel(ctx context.Context, kind string, extra []byte, name string) (net.Conn, error) {
	ch, err := c.Mux.OpenChannel(ctx, kind, extra, mux.Options{})
	if err != nil {
		return nil, err
	}
	return &channelConn{Channel: ch, name: name}, nil
}

// channelConn is a channel as a net.Conn. A deadline ends the channel for good:
// that is all that its users need.
type channelConn struct {
	*mux.Channel
	name string

	mu    sync.Mutex
	timer *time.Timer
	late  bool
}

// farAddr is an address as the other end of a connection understands it.
type farAddr string

func (farAddr) Network() string  { return "ssh" }
func (a farAddr) String() string { return string(a) }

// LocalAddr implements net.Conn.
func (c *channelConn) LocalAddr() net.Addr { return farAddr("channel") }

// RemoteAddr is as far as it is known here.
func (c *channelConn) RemoteAddr() net.Addr { return farAddr(c.name) }

// Read implements net.Conn.
func (c *channelConn) Read(b []byte) (int, error) {
	n, err := c.Channel.Read(b)
	return n, c.reason(err)
}

// Write implements net.Conn.
func (c *channelConn) Write(b []byte) (int, error) {
	n, err := c.Channel.Write(b)
	return n, c.reason(err)
}

// reason makes the error of a deadline of what a closed channel says.
func (c *channelConn) reason(err error) error {
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.late {
		return os.ErrDeadlineExceeded
	}
	return err
}

// SetDeadline ends the connection at a time, in both directions; the zero time
// takes that back while it hasn't happened.
func (c *channelConn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	if !t.IsZero() {
		c.timer = time.AfterFunc(time.Until(t), c.expire)
	}
	return nil
}

func (c *channelConn) expire() {
	c.mu.Lock()
	c.late = true
	c.mu.Unlock()
	c.Channel.Close()
}

// SetReadDeadline is SetDeadline.
func (c *channelConn) SetReadDeadline(t time.Time) error { return c.SetDeadline(t) }

// SetWriteDeadline is SetDeadline.
func (c *channelConn) SetWriteDeadline(t time.Time) error { return c.SetDeadline(t) }
