package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
)

// GatewayPorts says from where connections are taken (ssh_config(5),
// sshd_config(5)).
type GatewayPorts int

// The values of GatewayPorts. GatewayClient, which only servers have, leaves it
// to the client.
const (
	GatewayNo GatewayPorts = iota
	GatewayYes
	GatewayClient
)

// ErrListen says that nothing could be listened on; the log has said why.
var ErrListen = errors.New("nothing can be listened on")

// A place is where to listen: the loopback addresses, all addresses, or those of
// a name.
type place struct {
	all  bool
	name string // "" with all unset: loopback
}

// placeHere is for a client's own listening.
func placeHere(a Address, gateway bool) place {
	switch {
	case !a.Named && a.Host == "":
		return place{all: gateway}
	case a.Host == "" || a.Host == "*":
		return place{all: true}
	case a.Host == "localhost":
		return place{}
	}
	return place{name: a.Host}
}

// placeFor applies a server's GatewayPorts to the host that a client wants to
// listen on.
func placeFor(host string, gateway GatewayPorts) place {
	switch {
	case gateway == GatewayNo && (host == "127.0.0.1" || host == "::1"):
		return place{name: host}
	case gateway == GatewayNo:
		return place{}
	case gateway == GatewayYes || host == "" || host == "*":
		return place{all: true}
	case host == "localhost":
		return place{}
	}
	return place{name: host}
}

// addresses are what a place means on this machine, in the order of
// getaddrinfo.
func (p place) addresses(ctx context.Context, network string) ([]netip.Addr, error) {
	list := []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	switch {
	case p.all:
		list = []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	case p.name != "":
		var err error
		if list, err = net.DefaultResolver.LookupNetIP(ctx, ipNetwork(network), p.name); err != nil {
			return nil, err
		}
	}
	var kept []netip.Addr
	for _, a := range list {
		if a = a.Unmap(); network == "" || network == "tcp" || a.Is4() == (network == "tcp4") {
			kept = append(kept, a)
		}
	}
	if len(kept) == 0 {
		return nil, errors.New("no address of the family asked for")
	}
	return kept, nil
}

// ipNetwork is the name of a TCP network for lookups.
func ipNetwork(network string) string {
	switch network {
	case "tcp4":
		return "ip4"
	case "tcp6":
		return "ip6"
	}
	return "ip"
}

// ListenFor listens as a server does for a client, on TCP. network is "tcp",
// "tcp4" or "tcp6". Where port is 0, every address gets the same one.
func ListenFor(ctx context.Context, network, host string, port int, gateway GatewayPorts, log *slog.Logger) (*Sockets, error) {
	return listenTCP(ctx, network, placeFor(host, gateway), port, log)
}

// listenTCP listens on as many of a place's addresses as it can. An error is
// ErrListen, and the log says what is behind it.
func listenTCP(ctx context.Context, network string, p place, port int, log *slog.Logger) (*Sockets, error) {
	addrs, err := p.addresses(ctx, network)
	if err != nil {
		log.Error(fmt.Sprintf("getaddrinfo(%s): %s", p.name, reason(err)))
		return nil, ErrListen
	}
	s := &Sockets{Port: port, over: make(chan struct{})}
	for i, addr := range addrs {
		log.Debug(fmt.Sprintf("Local forwarding listening on %s port %d.", addr, s.Port))
		l, err := bindTCP(ctx, addr, s.Port)
		if err != nil {
			level := slog.LevelInfo
			if i == len(addrs)-1 {
				level = slog.LevelError
			}
			log.Log(ctx, level, fmt.Sprintf("bind [%s]:%d: %s", addr, s.Port, reason(err)))
			continue
		}
		s.list = append(s.list, l)
		s.Port = l.Addr().(*net.TCPAddr).Port
	}
	if len(s.list) == 0 {
		log.Error(fmt.Sprintf("channel_setup_fwd_listener_tcpip: cannot listen to port: %d", port))
		return nil, ErrListen
	}
	return s, nil
}

func bindTCP(ctx context.Context, addr netip.Addr, port int) (net.Listener, error) {
	network := "tcp6" // which takes no IPv4 along
	if addr.Is4() {
		network = "tcp4"
	}
	var c net.ListenConfig
	c.SetMultipathTCP(false)
	return c.Listen(ctx, network, net.JoinHostPort(addr.String(), strconv.Itoa(port)))
}
