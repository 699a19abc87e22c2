package applet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/proxy"
)

// dialed is what became of one of the host's addresses.
type dialed struct {
	addr netip.AddrPort
	nc   net.Conn
	err  error
	took time.Duration
}

// connect gets a connection to the host by the way that the configuration says.
func (x *exam) connect(ctx context.Context) (net.Conn, error) {
	r := x.run
	if len(r.conf.ProxyJump) > 0 {
		x.stage = atConnect
		return x.jump(ctx)
	}
	x.stage = atConnect
	way, err := r.way()
	if err != nil {
		return nil, err
	}
	if way != nil {
		return x.throughProxy(ctx, way)
	}
	x.stage = atName
	if err := x.resolve(ctx); err != nil {
		return nil, err
	}
	x.stage = atConnect
	return x.dial(ctx)
}

// throughProxy goes through a ProxyCommand or a proxy.
func (x *exam) throughProxy(ctx context.Context, way func(context.Context) (net.Conn, error)) (net.Conn, error) {
	x.run.peer = unnamedPeer
	nc, err := way(ctx)
	if err != nil {
		return nil, err
	}
	x.report.ok("connection", "it goes through %s", x.proxyName())
	return proxy.Unnamed(nc), nil
}

// proxyName is what the connection goes through, for people; "" where it goes
// straight.
func (x *exam) proxyName() string {
	c := x.run.conf
	switch {
	case c.ProxyCommand != "" && c.ProxyCommand != "none":
		return "the ProxyCommand" + x.saidBy("ProxyCommand")
	case c.ProxyURL != "":
		if p, err := proxy.ParseURL(c.ProxyURL); err == nil {
			return "the proxy " + p.String()
		}
		return "the proxy of ProxyURL"
	}
	return ""
}

// jump examines the host in between, and connects from there.
func (x *exam) jump(ctx context.Context) (net.Conn, error) {
	hop, err := x.run.hop()
	if err != nil {
		return nil, err
	}
	h := newExam(hop, &doctorReport{out: x.report.out, via: "[" + hop.line.host + "] "})
	h.asks = x.asks
	h.take(hop.conf)
	h.report.ok("configuration", "the way leads through %s port %d", hop.conf.User+"@"+hop.conf.HostName, hop.conf.Port)
	c, err := h.login(ctx)
	if err != nil {
		x.hop = h
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, x.run.conf.ConnectTimeout)
	defer cancel()
	nc, err := c.DialTCP(ctx, x.run.conf.HostName, x.run.conf.Port)
	if err != nil {
		c.Close()
		return nil, err
	}
	x.run.peer = unnamedPeer
	x.report.advice = append(x.report.advice, h.report.advice...)
	x.report.ok("connection", "%s reaches %s port %d", hop.line.host, x.run.conf.HostName, x.run.conf.Port)
	return proxy.Unnamed(&hopConn{Conn: nc, hop: c}), nil
}

// resolve asks for the host's addresses.
func (x *exam) resolve(ctx context.Context) error {
	c := x.run.conf
	if addr, err := netip.ParseAddr(c.HostName); err == nil {
		x.addrs = []netip.Addr{addr}
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.ConnectTimeout)
	defer cancel()
	network := map[string]string{"inet": "ip4", "inet6": "ip6"}[c.AddressFamily]
	if network == "" {
		network = "ip"
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, network, c.HostName)
	if err != nil {
		return err
	}
	var names []string
	for _, a := range addrs {
		x.addrs = append(x.addrs, a.Unmap())
		names = append(names, a.Unmap().String())
	}
	x.report.ok("name", "%s is %s", c.HostName, strings.Join(names, ", "))
	return nil
}

// maxDials is how many of a host's addresses are tried.
const maxDials = 16

// stragglerTime is how long the other addresses have once one has answered.
const stragglerTime = 2 * time.Second

// dial tries every address, because one that fails is a cause of its own, and
// returns the connection to the first that works.
func (x *exam) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, x.run.conf.ConnectTimeout)
	defer cancel()
	addrs := x.addrs[:min(len(x.addrs), maxDials)]
	x.dials = make([]dialed, len(addrs))
	var all sync.WaitGroup
	for i, addr := range addrs {
		all.Go(func() {
			x.dials[i] = x.dialOne(ctx, netip.AddrPortFrom(addr, uint16(x.run.conf.Port)))
			if x.dials[i].err == nil {
				time.AfterFunc(stragglerTime, cancel)
			}
		})
	}
	all.Wait()
	return x.choose()
}

func (x *exam) dialOne(ctx context.Context, at netip.AddrPort) dialed {
	begin := time.Now()
	nc, err := x.run.plainDialer().DialContext(ctx, "tcp", at.String())
	if err != nil && (ctx.Err() != nil || late(err)) {
		err = client.ErrTimeout
	}
	return dialed{addr: at, nc: nc, err: err, took: time.Since(begin)}
}

// choose keeps the first connection and tells of the others.
func (x *exam) choose() (net.Conn, error) {
	var first *dialed
	for i := range x.dials {
		d := &x.dials[i]
		switch {
		case d.err == nil && first == nil:
			first = d
		case d.err == nil:
			d.nc.Close()
		}
	}
	if first == nil {
		return nil, x.worst()
	}
	for _, d := range x.dials {
		if d.err != nil {
			x.report.note("connection", "%s does not answer: %s", d.addr, door.Sentence(d.err))
		}
	}
	x.report.ok("connection", "%s answers after %v", first.addr, first.took.Round(time.Millisecond))
	x.run.peer = peerName(first.nc.RemoteAddr())
	x.adviseAddresses(first)
	return first.nc, nil
}

// worst is the error of the address that tells most: one that answered, and be
// it with a refusal, tells more than silence.
func (x *exam) worst() error {
	err := x.dials[0].err
	for _, d := range x.dials {
		if refusedThere(d.err) {
			err = d.err
		}
	}
	return &client.ConnectError{Host: x.run.conf.HostName, Port: x.run.conf.Port, Err: err}
}

// adviseAddresses says what to do about addresses that fail while another works.
func (x *exam) adviseAddresses(works *dialed) {
	six := 0
	failing := 0
	for _, d := range x.dials {
		if d.err == nil {
			continue
		}
		failing++
		if d.addr.Addr().Is6() {
			six++
		}
	}
	switch {
	case failing == 0:
	case six == failing && works.addr.Addr().Is4():
		x.report.advise(do("IPv6 does not work on the way to "+x.run.conf.HostName+", IPv4 does: use IPv4 for this host, or have its IPv6 address (AAAA) put right",
			x.ssh("-4")))
	default:
		x.report.advise(do(fmt.Sprintf("of the %d addresses of %s %d fail: connections may take long or fail by turns until its name server (DNS) lists those alone that work; meanwhile use one that does",
			len(x.dials), x.run.conf.HostName, failing),
			x.ssh("-o", "HostName="+works.addr.Addr().String(), "-o", "HostKeyAlias="+x.run.conf.HostName)))
	}
}

// placeCauses are about configuration and names.
func placeCauses() []cause {
	return []cause{
		{"configuration", atConfig, always,
			func(x *exam) string { return x.err.Error() },
			func(x *exam) []remedy {
				return []remedy{do("correct the line that is named; this shows all that is wrong", "nacre config check")}
			}},
		{"name-near", atName, func(x *exam) bool { return len(x.near()) > 0 },
			func(x *exam) string {
				return fmt.Sprintf("%s is neither a name in the DNS nor a Host of the configuration; the configuration has %s (upper and lower case are different there)",
					x.run.line.host, strings.Join(x.near(), ", "))
			},
			func(x *exam) []remedy {
				var list []remedy
				for _, name := range x.near() {
					list = append(list, do("perhaps you mean "+name, "ssh "+getopt.Word(name)))
				}
				return list
			}},
		{"name-unknown", atName, func(x *exam) bool { return notFound(x.err) },
			func(x *exam) string {
				return fmt.Sprintf("the name %s does not exist: no name server and no hosts file knows an address%s", x.run.conf.HostName, x.saidBy("HostName"))
			},
			func(x *exam) []remedy {
				return append([]remedy{
					do("check the spelling; if it is a short name of your own, give it an address in ~/.ssh/config", "Host "+x.run.line.host, "    HostName full.name.or.address"),
				}, x.shortName()...)
			}},
		{"name-servers", atName, always,
			func(x *exam) string {
				return "this machine's name servers do not answer, so " + x.run.conf.HostName + " can't be looked up"
			},
			func(x *exam) []remedy {
				return []remedy{
					do("check this machine's network, a VPN, and its name servers", "getent hosts "+getopt.Word(x.run.conf.HostName), "cat /etc/resolv.conf"),
					do("if you know the address, use it", x.ssh("-o", "HostName=ADDRESS")),
				}
			}},
	}
}

// near are names of the configuration that may be meant.
func (x *exam) near() []string { return config.NearHosts(x.run.line.configQuery()) }

// shortName is advice for a name without a dot.
func (x *exam) shortName() []remedy {
	if strings.Contains(x.run.conf.HostName, ".") {
		return nil
	}
	return []remedy{do("if it is a machine of your network, its full name or a VPN may be missing")}
}

func notFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}
