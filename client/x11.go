package client

import (
	"bufio"
	"context"
	"net"
	"strconv"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
	"github.com/nacre-ssh/nacre/x11"
)

// ForwardX11 lets programs on the server draw on a display. rejected, which may
// be nil, is told where a program came from that was not let in, and why. A
// session asks the server for it with [SessionOptions.X11].
func (c *Client) ForwardX11(f *x11.Forward, rejected func(origin string, err error)) {
	c.Handle(x11.ChannelType, func(in *mux.Incoming) {
		r := wire.NewReader(in.Extra)
		host, port := r.String(), r.Uint32()
		if r.End() != nil {
			in.Reject(wire.OpenConnectFailed, "the request is malformed")
			return
		}
		ch, err := in.Accept(nil, mux.Options{Interactive: true})
		if err != nil {
			return
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stop := context.AfterFunc(ctx, func() { ch.Close() })
		defer stop()
		buffered := bufio.NewReader(ch)
		conn, err := f.Connect(ctx, buffered)
		if err != nil {
			ch.Close()
			if rejected != nil {
				rejected(net.JoinHostPort(host, strconv.Itoa(int(port))), err)
			}
			return
		}
		// What was read with the head goes first.
		if n := buffered.Buffered(); n > 0 {
			head, _ := buffered.Peek(n) // it is there
			if _, err := conn.Write(head); err != nil {
				conn.Close()
				ch.Close()
				return
			}
		}
		splice(ch, conn)
	})
}

// askX11 asks for a way to the display.
func (s *Session) askX11() error {
	wait, err := s.Ask(x11.Request, true, s.opts.X11.AppendRequest(nil))
	if err != nil {
		return err
	}
	go func() {
		ok, err := wait(context.Background())
		if err == nil && !ok && s.opts.X11Refused != nil {
			s.opts.X11Refused()
		}
	}()
	return nil
}
