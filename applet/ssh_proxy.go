package applet

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/proxy"
	"github.com/nacre-ssh/nacre/term"
)

// unnamedPeer is what ssh calls a host that it didn't connect to itself.
const unnamedPeer = "UNKNOWN port 65535"

// reach connects to the host, straight or by the way that the configuration
// says, and logs in.
func (r *sshRun) reach(ctx context.Context, cfg *client.Config) (*client.Client, error) {
	way, err := r.way()
	if err != nil {
		return nil, err
	}
	if way == nil {
		return client.Dial(ctx, r.conf.HostName, r.conf.Port, cfg)
	}
	r.peer = unnamedPeer
	nc, err := way(ctx)
	if err != nil {
		return nil, err
	}
	return client.New(ctx, proxy.Unnamed(nc), r.conf.HostName, r.conf.Port, cfg)
}

// way is how to get a connection to the host other than by TCP; nil for TCP.
func (r *sshRun) way() (func(context.Context) (net.Conn, error), error) {
	switch {
	case r.manner != nil:
		return r.manner.way()
	case len(r.conf.ProxyJump) > 0:
		return r.jump, nil
	case r.conf.ProxyCommand != "":
		line, err := r.conf.ProxyCommandLine()
		if err != nil {
			return nil, err
		}
		return r.commandWay(line)
	case r.conf.ProxyURL != "":
		p, err := proxy.ParseURL(r.conf.ProxyURL)
		if err != nil {
			return nil, fmt.Errorf("ProxyURL: %w", err)
		}
		return r.proxyWay(p, proxy.Target{Host: r.conf.HostName, Port: r.conf.Port}), nil
	}
	return nil, nil
}

// commandWay runs a ProxyCommand, or does itself what a missing helper would.
func (r *sshRun) commandWay(line string) (func(context.Context) (net.Conn, error), error) {
	p, to, ok, err := proxy.FromCommand(line)
	switch {
	case err != nil:
		return nil, fmt.Errorf("ProxyCommand %s: %w", line, err)
	case ok:
		r.say(config.LogDebug1, "debug1: The ProxyCommand's program is not here: %s is asked for %s without it.", p, to)
		return r.proxyWay(p, to), nil
	}
	r.say(config.LogDebug1, "debug1: Executing proxy command: exec %s", term.Printable(line))
	c := &proxy.Command{Line: line, PassFD: r.conf.ProxyUseFdpass, Stderr: r.Stderr}
	return c.Dial, nil
}

// proxyWay goes through an HTTP or SOCKS proxy.
func (r *sshRun) proxyWay(p *proxy.Proxy, to proxy.Target) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) {
		r.say(config.LogDebug1, "debug1: Connecting to %s through the proxy %s.", to, p)
		plain := r.plainDialer()
		d := &proxy.Dialer{Dial: plain.DialContext, Timeout: r.conf.ConnectTimeout}
		if !r.conf.BatchMode {
			d.Ask = r.askProxyPassword
		}
		nc, err := p.Dial(ctx, d, to)
		if errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("the proxy %s: %w", p, client.ErrTimeout)
		}
		return nc, err
	}
}

// askProxyPassword asks for what a proxy wants to know.
func (r *sshRun) askProxyPassword(ctx context.Context, q proxy.Question) (user, password string, err error) {
	if q.Again {
		r.say(config.LogError, "The proxy %s refuses the password, please try again.", q.Proxy.Target)
	}
	realm := ""
	if q.Realm != "" {
		realm = " (" + term.Printable(q.Realm) + ")"
	}
	user = q.User
	if user == "" {
		if user, err = r.answer(ctx, fmt.Sprintf("User for the proxy %s%s: ", q.Proxy.Target, realm), true); err != nil {
			return "", "", err
		}
	}
	password, err = r.answer(ctx, fmt.Sprintf("%s's password for the proxy %s%s: ", term.Printable(user), q.Proxy.Target, realm), false)
	return user, password, err
}
