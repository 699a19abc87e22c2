package proxy

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// A Target is what a proxy shall connect to.
type Target struct {
	Host string // a name or an address, IPv6 without brackets
	Port int
}

// String is host:port, with an IPv6 address in brackets.
func (t Target) String() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// maxHost is the longest host name in bytes (RFC 1035, section 2.3.4).
const maxHost = 255

// check refuses what can't stand in a request.
func (t Target) check() error {
	bad := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '[' || r == ']' || r == '/' }
	switch {
	case t.Host == "" || len(t.Host) > maxHost || strings.ContainsFunc(t.Host, bad):
		return fmt.Errorf("a proxy can't be asked for the host %q", t.Host)
	case strings.Contains(t.Host, "%"):
		return fmt.Errorf("%q has a zone, which means nothing to a proxy", t.Host)
	case t.Port < 1 || t.Port > 65535:
		return fmt.Errorf("a proxy can't be asked for port %d", t.Port)
	}
	return nil
}

// A Proxy is one proxy server. It is read only and may serve many connections.
type Proxy struct {
	Scheme string // "http", "https", "socks4", "socks4a" or "socks5"
	Target        // where it listens
	User   string // "" for none
	// Password is sent when the proxy asks, if HasPassword.
	Password    string
	HasPassword bool
	// Preemptive sends user and password with the first HTTP request, unasked,
	// as corkscrew does: always readable on the way.
	Preemptive bool
}

// String is the proxy as a URL, without the password.
func (p *Proxy) String() string {
	user := ""
	if p.User != "" {
		user = p.User + "@"
	}
	return p.Scheme + "://" + user + p.Target.String()
}

// A Question asks for who may use a proxy.
type Question struct {
	Proxy *Proxy
	User  string // what is known already; "" when it is to be asked for, too
	Realm string // the proxy's words: escape before printing
	Again bool   // the last answer was wrong
}

// A Dialer is the means that Proxy.Dial uses. Its zero value dials TCP and has
// nobody to ask.
type Dialer struct {
	// Dial makes the connection to the proxy itself; nil is net.Dialer's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Ask is called when the proxy wants a password that isn't known.
	Ask func(ctx context.Context, q Question) (user, password string, err error)
	// TLS is how to speak to an https proxy; nil checks its name.
	TLS *tls.Config
	// Timeout bounds connecting and each exchange with the proxy, without the
	// time that Ask takes. 0: the context alone does.
	Timeout time.Duration
	// Resolve is who knows addresses for socks4; nil is net.DefaultResolver.
	Resolve func(ctx context.Context, host string) ([]net.IP, error)
}

// A RefusedError is a proxy that doesn't connect.
type RefusedError struct {
	Proxy  *Proxy
	Target Target
	Reason string // the proxy's: escape before printing
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the proxy %s does not connect to %s: %s", e.Proxy, e.Target, e.Reason)
}

// An AuthError is a proxy that wants to know who asks and didn't like the
// answer.
type AuthError struct {
	Proxy *Proxy
	Text  string
}

func (e *AuthError) Error() string { return fmt.Sprintf("the proxy %s: %s", e.Proxy, e.Text) }

// A BrokenError is an answer that no such proxy gives.
type BrokenError struct {
	Proxy *Proxy
	Text  string
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("the proxy %s answers with %s (is it that kind of proxy?)", e.Proxy, e.Text)
}

// schemes are the kinds of proxies.
var schemes = [...]struct {
	name string
	port int
	talk func(ctx context.Context, d *Dialer, p *Proxy, to Target) (net.Conn, error)
}{
	{"http", 3128, dialHTTP},
	{"https", 443, dialHTTP},
	{"socks4", 1080, dialSOCKS4},
	{"socks4a", 1080, dialSOCKS4},
	{"socks5", 1080, dialSOCKS5},
}

// Dial connects to a target through the proxy. The context bounds that, and
// nothing afterwards. Errors of the connection to the proxy name the proxy;
// others are *[RefusedError], *[AuthError], *[BrokenError].
func (p *Proxy) Dial(ctx context.Context, d *Dialer, to Target) (net.Conn, error) {
	if err := to.check(); err != nil {
		return nil, err
	}
	for _, s := range schemes {
		if s.name == p.Scheme {
			return s.talk(ctx, d, p, to)
		}
	}
	return nil, fmt.Errorf("%q is no kind of proxy", p.Scheme)
}

// connect makes the connection to the proxy itself.
func (d *Dialer) connect(ctx context.Context, p *Proxy) (net.Conn, error) {
	dial := d.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	nc, err := dial(ctx, "tcp", p.Target.String())
	if err != nil {
		return nil, fmt.Errorf("connecting to the proxy %s: %w", p, err)
	}
	if p.Scheme != "https" {
		return nc, nil
	}
	conf := &tls.Config{}
	if d.TLS != nil {
		conf = d.TLS.Clone()
	}
	if conf.ServerName == "" {
		conf.ServerName = p.Host
	}
	secure := tls.Client(nc, conf)
	if err := secure.HandshakeContext(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("TLS with the proxy %s: %w", p, err)
	}
	return secure, nil
}

// ask gets user and password; ok is false when there is nobody to ask.
func (d *Dialer) ask(ctx context.Context, q Question) (user, password string, ok bool, err error) {
	if d.Ask == nil {
		return "", "", false, nil
	}
	user, password, err = d.Ask(ctx, q)
	return user, password, err == nil, err
}

func (d *Dialer) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.Timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, d.Timeout)
}

// guarded runs a conversation that ends with ctx, and clears the deadline that
// ended it.
func (d *Dialer) guarded(ctx context.Context, nc net.Conn, talk func() error) error {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	err := talk()
	if !stop() {
		return context.Cause(ctx)
	}
	return err
}
