package client

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
)

// Config says how to reach a host and log in. It is read only and may serve many
// connections at once.
type Config struct {
	// Network is "tcp" (also if empty), "tcp4" or "tcp6".
	Network string
	// LocalAddr is the address to connect from; "" any.
	LocalAddr string
	// Interface has the address to connect from where LocalAddr is empty; "" any.
	Interface string
	// Attempts is how often to try to connect, a second apart; 0 is once.
	Attempts int
	// ConnectTimeout bounds connecting and the key exchange, without the time
	// that HostKey takes. 0: the system's patience.
	ConnectTimeout time.Duration
	// KeepAliveTCP has the system notice a dead connection, at its own pace.
	KeepAliveTCP bool

	// Transport has the algorithms and when to rekey. Its Logger, Remembered
	// and VerifyHostKey are set here.
	Transport transport.Config
	// HostKey decides whether a key is the host's. An error ends the
	// connection and is found in Dial's. nil refuses every key.
	HostKey func(ctx context.Context, p Presented) error
	// Secured is called when the first key exchange is done and before the
	// login; nothing may be read from or written to the connection. May be nil.
	Secured func(*transport.Conn)
	// Exchanged is told how the keys were made, before the login. May be nil.
	Exchanged func(transport.Negotiated)
	// Remember is a directory for the lists that hosts send, so that the next
	// key exchange can be guessed; "" remembers nothing.
	Remember string

	// Auth has the user and the methods. Its Trace is called after the log.
	Auth auth.ClientConfig
	// Mux says what the server may ask for, the keepalive, and the class of
	// service of the packets, from connecting on.
	Mux mux.Config

	// HideKeystrokes is the distance of the moments at which what is typed at
	// terminals leaves, so that its rhythm tells nothing; 0: it leaves at once.
	// It takes a server that answers pings (PROTOCOL, section 1.8).
	HideKeystrokes time.Duration

	Logger *slog.Logger // nil: silent
}

// Presented is a host key to be judged. The host has proved that it holds it.
type Presented struct {
	Host string // as given to Dial
	Port int
	Addr net.Addr // who answered
	Key  key.Public
}
