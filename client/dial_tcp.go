package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"

	"github.com/nacre-ssh/nacre/internal/netx"
)

// DialContext makes a TCP connection as the configuration has it: from its
// address or its interface, over its family of addresses, with its class of
// service. It is for who goes to the host by another way, such as a proxy.
func (cfg *Config) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if network == "tcp" && cfg.Network != "" {
		network = cfg.Network
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := cfg.dialer(host)
	from, err := cfg.sources(ctx, network)
	switch {
	case err != nil:
		return nil, err
	case len(from) == 0:
		return d.DialContext(ctx, network, address)
	}
	return dialFrom(ctx, d, from, network, address)
}

// dialer has what holds for every connection.
func (cfg *Config) dialer(host string) *net.Dialer {
	d := &net.Dialer{KeepAlive: -1}
	if cfg.KeepAliveTCP {
		d.KeepAlive = 0
		d.KeepAliveConfig = net.KeepAliveConfig{Enable: true, Idle: -1, Interval: -1, Count: -1}
	}
	log := logger(cfg)
	d.Control = func(_, address string, raw syscall.RawConn) error {
		ip, port, _ := net.SplitHostPort(address) // package net has joined them
		log.Debug(fmt.Sprintf("Connecting to %s [%s] port %s.", host, ip, port))
		if q := cfg.Mux.QoS; q != nil && q.Interactive >= 0 { // until something bulky is open
			if err := netx.SetRawQoS(raw, q.Interactive); err != nil {
				log.Debug(err.Error())
			}
		}
		return nil
	}
	return d
}

// sources are the addresses to connect from, at most one of a family; none: any.
// An address that was named counts more than an interface.
func (cfg *Config) sources(ctx context.Context, network string) ([]netip.Addr, error) {
	switch {
	case cfg.LocalAddr != "":
		all, err := net.DefaultResolver.LookupNetIP(ctx, familyOf(network), cfg.LocalAddr)
		if err != nil {
			return nil, fmt.Errorf("local address %s: %w", cfg.LocalAddr, err)
		}
		return firstOfFamily(all, func(netip.Addr) bool { return true }), nil
	case cfg.Interface != "":
		all, err := interfaceAddrs(cfg.Interface)
		if err != nil {
			return nil, err
		}
		from := firstOfFamily(all, farReaching)
		if len(from) == 0 {
			return nil, noSource(cfg.Interface)
		}
		return from, nil
	}
	return nil, nil
}

func familyOf(network string) string { return "ip" + strings.TrimPrefix(network, "tcp") }

// noSource is the end of an interface without an address of a family.
func noSource(name string) error { return fmt.Errorf("interface %s: no suitable addresses", name) }

// interfaceAddrs are the addresses of an interface that is up.
func interfaceAddrs(name string) ([]netip.Addr, error) {
	i, err := net.InterfaceByName(name)
	if err != nil || i.Flags&net.FlagUp == 0 {
		return nil, noSource(name)
	}
	all, err := i.Addrs()
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", name, err)
	}
	var list []netip.Addr
	for _, a := range all {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil {
			continue
		}
		addr := prefix.Addr().Unmap()
		if addr.Is6() && addr.IsLinkLocalUnicast() {
			addr = addr.WithZone(name)
		}
		list = append(list, addr)
	}
	return list, nil
}

// farReaching tells the addresses that OpenSSH takes of an interface from those
// that it takes where there is nothing else.
func farReaching(a netip.Addr) bool {
	if a.Is4() {
		return a != netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return !a.IsLoopback() && !a.IsLinkLocalUnicast()
}

// firstOfFamily is the first address of each family that good likes, else the
// first at all.
func firstOfFamily(all []netip.Addr, good func(netip.Addr) bool) []netip.Addr {
	var list []netip.Addr
	for _, four := range []bool{true, false} {
		var best netip.Addr
		for _, a := range all {
			a = a.Unmap()
			if a.Is4() == four && (!best.IsValid() || !good(best) && good(a)) {
				best = a
			}
		}
		if best.IsValid() {
			list = append(list, best)
		}
	}
	return list
}

// dialFrom tries the addresses behind a name one after the other, each from the
// source of its family.
func dialFrom(ctx context.Context, d *net.Dialer, from []netip.Addr, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	all, err := net.DefaultResolver.LookupNetIP(ctx, familyOf(network), host)
	if err != nil {
		return nil, err
	}
	failed := errors.New("none of its addresses is of the family of the address to connect from")
	for _, to := range all {
		to = to.Unmap()
		for _, source := range from {
			if source.Is4() != to.Is4() {
				continue
			}
			d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(source, 0))
			nc, err := d.DialContext(ctx, "tcp", net.JoinHostPort(to.String(), port))
			if err == nil || ctx.Err() != nil {
				return nc, err
			}
			failed = err
		}
	}
	return nil, failed
}
