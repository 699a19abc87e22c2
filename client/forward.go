package client

import (
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// Handle has serve called for the channels of a type that the server opens, each
// in a goroutine of its own; serve accepts or rejects it, and may stay as long as
// it lives. It comes before [Config.Mux]'s Open, and takes the place of a former
// one for the type. What has no handler is refused.
func (c *Client) Handle(channelType string, serve func(*mux.Incoming)) {
	c.handlersMu.Lock()
	defer c.handlersMu.Unlock()
	if c.handlers == nil {
		c.handlers = make(map[string]func(*mux.Incoming))
	}
	c.handlers[channelType] = serve
}

// open gives a channel to its handler.
func (c *Client) open(in *mux.Incoming) {
	c.handlersMu.Lock()
	serve := c.handlers[in.Type]
	c.handlersMu.Unlock()
	switch {
	case serve != nil:
		serve(in)
	case c.otherwise != nil:
		c.otherwise(in)
	default:
		c.log.Debug("The server opens a channel of type " + in.Type + ", which nobody asked for: refused.")
		in.Reject(wire.OpenProhibited, "nobody asked for this channel")
	}
}

// Forwards makes the connection's forwards of ports and sockets and has them
// serve what the server opens for them. Their Mux is set here, and their Logger
// is the connection's if it is nil. Call it once.
func (c *Client) Forwards(o forward.Options) *forward.Forwards {
	o.Mux = c.Mux
	if o.Logger == nil {
		o.Logger = c.log
	}
	f := forward.New(o)
	for _, name := range forward.IncomingTypes() {
		c.Handle(name, f.Open)
	}
	return f
}
