package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
)

// A Client is a connection whose user is logged in. Its methods may be called
// from any goroutine.
type Client struct {
	Conn *transport.Conn
	Mux  *mux.Mux
	Auth *auth.Result

	log      *slog.Logger
	hideKeys time.Duration // Config.HideKeystrokes

	handlersMu sync.Mutex
	handlers   map[string]func(*mux.Incoming) // by channel type
	otherwise  func(*mux.Incoming)            // Config.Mux's
}

// New logs in over a connection that is there already; host and port are what
// the host's key is known under. The Client owns nc, which is closed if New
// fails. The context bounds the login, and nothing afterwards.
func New(ctx context.Context, nc net.Conn, host string, port int, cfg *Config) (*Client, error) {
	ctx, clock := withClock(ctx, cfg.ConnectTimeout)
	defer clock.stop()
	return login(ctx, clock, nc, host, port, cfg)
}

func login(ctx context.Context, clock *clock, nc net.Conn, host string, port int, cfg *Config) (*Client, error) {
	log := logger(cfg)
	log.Debug("Connection established.")
	log.Debug("Local version string SSH-2.0-" + cmp.Or(cfg.Transport.Version, transport.Version))
	log.Debug(fmt.Sprintf("Authenticating to %s:%d as '%s'", host, port, cfg.Auth.User))
	memory := memoryOf(cfg.Remember, host, port)
	remembered := memory.load()
	tc := cfg.Transport
	tc.Logger, tc.Remembered = cfg.Logger, remembered
	tc.VerifyHostKey = func(ctx context.Context, k key.Public) error {
		clock.halt()
		log.Debug("Server host key: " + k.Type() + " " + keyfile.FingerprintSHA256(cert.PlainKey(k)))
		if cfg.HostKey == nil {
			return errors.New("no host key is trusted: nobody judges it")
		}
		return cfg.HostKey(ctx, Presented{host, port, nc.RemoteAddr(), k})
	}
	conn, err := transport.Client(ctx, nc, &tc)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			err = &ConnectError{host, port, cause}
		}
		return nil, err
	}
	clock.halt()
	tell(log, conn)
	if cfg.Exchanged != nil {
		cfg.Exchanged(conn.Negotiated())
	}
	memory.save(remembered, conn.PeerLists())
	if cfg.Secured != nil {
		cfg.Secured(conn)
	}
	result, err := authenticate(ctx, conn, cfg, log)
	if err != nil {
		return nil, err
	}
	return start(conn, result, cfg, log), nil
}

// levelDebug2 is what ssh says with -vv.
const levelDebug2 = slog.LevelDebug - 4

// tell says what the server has told of itself beside the key exchange.
func tell(log *slog.Logger, conn *transport.Conn) {
	if list := conn.ServerSigAlgs(); len(list) > 0 {
		log.Log(context.Background(), levelDebug2, "kex_input_ext_info: server-sig-algs=<"+strings.Join(list, ",")+">")
	}
}

// authenticate logs the user in. It ends the connection when that fails.
func authenticate(ctx context.Context, conn *transport.Conn, cfg *Config, log *slog.Logger) (*auth.Result, error) {
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	ac := cfg.Auth
	ac.Trace = func(e auth.Event) {
		tellStep(log, conn, cfg, e)
		if cfg.Auth.Trace != nil {
			cfg.Auth.Trace(e)
		}
	}
	result, err := auth.Client(withLogin(ctx, conn), conn, ac)
	var breach *auth.ProtocolError
	switch {
	case errors.As(err, &breach):
		conn.Disconnect(breach.Reason, breach.Text)
	case err != nil:
		conn.Close()
	}
	if err != nil {
		return nil, err
	}
	conn.AuthSucceeded()
	return result, nil
}

// tellStep says what happened, in the words that scripts look for in what ssh -v
// says.
func tellStep(log *slog.Logger, conn *transport.Conn, cfg *Config, e auth.Event) {
	switch {
	case e.Kind == auth.EventSuccess:
		where := "via proxy"
		if tcp, ok := conn.NetConn().RemoteAddr().(*net.TCPAddr); ok {
			where = fmt.Sprintf("[%s]:%d", &net.IPAddr{IP: tcp.IP, Zone: tcp.Zone}, tcp.Port)
		}
		log.Info(fmt.Sprintf("Authenticated to %s (%s) using \"%s\".", cfg.Auth.Host, where, e.Method))
	case e.Kind == auth.EventContinue && e.Partial:
		log.Info("Authenticated using \"" + e.Method + "\" with partial success.")
		e.Partial = false
		log.Debug(e.String())
	case e.Kind == auth.EventRefuse && e.Method == "none": // it was only to hear what the server takes
	default:
		log.Debug(e.String() + traceTail(e))
	}
}

// traceTail adds what a sentence of auth's leaves out.
func traceTail(e auth.Event) string {
	if e.Kind == auth.EventOffer && e.Algorithm != "" && e.Key != nil && e.Algorithm != e.Key.Type() {
		return " (" + e.Algorithm + ")"
	}
	return ""
}

// start runs the connection protocol in a goroutine of its own.
func start(conn *transport.Conn, result *auth.Result, cfg *Config, log *slog.Logger) *Client {
	mc := cfg.Mux
	if mc.Logger == nil {
		mc.Logger = cfg.Logger
	}
	mc.Global = func(r *mux.GlobalRequest) {
		log.Log(context.Background(), levelDebug2, fmt.Sprintf("client_input_global_request: rtype %s want_reply %d", r.Name, flagOf(r.WantReply)))
		if cfg.Mux.Global != nil {
			cfg.Mux.Global(r)
		}
	}
	c := &Client{Conn: conn, Auth: result, log: log, hideKeys: cfg.HideKeystrokes, otherwise: mc.Open}
	mc.Open = c.open
	c.Mux = mux.New(conn, mc)
	go c.Mux.Run()
	return c
}

func flagOf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// Close ends the connection and tells the server that it was on purpose.
func (c *Client) Close() error { return c.Mux.Close() }

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.Mux.Done() }

// Err tells why the connection has ended, nil while it lives.
func (c *Client) Err() error { return c.Mux.Err() }

// NoMoreSessions tells a server that understands it to refuse further sessions
// on this connection (PROTOCOL, section 2.2): whoever takes over the client's
// process can't open one.
func (c *Client) NoMoreSessions() error {
	if name := c.Conn.Quirks().Name; name != "OpenSSH" && name != "nacre" {
		return nil
	}
	_, _, err := c.Mux.Request(context.Background(), "no-more-sessions@openssh.com", false, nil)
	return err
}

// RTT is the smallest measured round trip to the server, 0 when none was
// measured yet.
func (c *Client) RTT() time.Duration { return c.Conn.RTT() }

// Software is what the server runs, by its own account. Escape it before
// printing.
func (c *Client) Software() string {
	return strings.TrimPrefix(strings.TrimPrefix(c.Conn.PeerVersion(), "SSH-2.0-"), "SSH-1.99-")
}
