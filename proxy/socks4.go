package proxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// socks4Replies are what a SOCKS 4 proxy answers (SOCKS4.protocol, "CONNECT").
var socks4Replies = [...]string{
	91: "request rejected or failed",
	92: "it can't reach an identd here",
	93: "identd here names another user",
}

// dialSOCKS4 speaks SOCKS 4, or 4a where the proxy resolves the name.
func dialSOCKS4(ctx context.Context, d *Dialer, p *Proxy, to Target) (net.Conn, error) {
	request, err := socks4Request(ctx, d, p, to)
	if err != nil {
		return nil, err
	}
	nc, err := d.connect(ctx, p)
	if err != nil {
		return nil, err
	}
	err = d.guarded(ctx, nc, func() error {
		if _, err := nc.Write(request); err != nil {
			return err
		}
		return readSOCKS4(nc, p, to)
	})
	if err != nil {
		nc.Close()
		return nil, socksError(p, err)
	}
	return nc, nil
}

// socks4Request is version, command, port, address, user; a name follows in 4a,
// with an address that can't be.
func socks4Request(ctx context.Context, d *Dialer, p *Proxy, to Target) ([]byte, error) {
	ip := net.ParseIP(to.Host)
	name := ""
	switch {
	case ip == nil && p.Scheme == "socks4a":
		ip, name = net.IPv4(0, 0, 0, 1), to.Host
	case ip == nil:
		list, err := d.lookup(ctx, to.Host)
		if err != nil {
			return nil, err
		}
		ip = first4(list)
	}
	four := ip.To4()
	if four == nil {
		return nil, fmt.Errorf("%s has no IPv4 address, and the proxy %s can't do other ones (socks4a and socks5 take the name)", to.Host, p)
	}
	if strings.IndexByte(p.User, 0) >= 0 {
		return nil, fmt.Errorf("the proxy %s can't be told such a user", p)
	}
	b := []byte{4, 1, byte(to.Port >> 8), byte(to.Port)}
	b = append(append(append(b, four...), p.User...), 0)
	if name != "" {
		b = append(append(b, name...), 0)
	}
	return b, nil
}

func (d *Dialer) lookup(ctx context.Context, host string) ([]net.IP, error) {
	if d.Resolve != nil {
		return d.Resolve(ctx, host)
	}
	return net.DefaultResolver.LookupIP(ctx, "ip4", host)
}

func first4(list []net.IP) net.IP {
	for _, ip := range list {
		if ip.To4() != nil {
			return ip
		}
	}
	return nil
}

// readSOCKS4 reads the eight bytes of a reply.
func readSOCKS4(from io.Reader, p *Proxy, to Target) error {
	var b [8]byte
	if _, err := io.ReadFull(from, b[:]); err != nil {
		return err
	}
	switch {
	case b[0] != 0:
		return &BrokenError{p, fmt.Sprintf("version %d", b[0])}
	case b[1] == 90:
		return nil
	}
	return &RefusedError{p, to, replyText(socks4Replies[:], b[1])}
}

func replyText(texts []string, code byte) string {
	if int(code) < len(texts) && texts[code] != "" {
		return texts[code]
	}
	return "reply " + strconv.Itoa(int(code))
}
