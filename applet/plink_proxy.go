package applet

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/pattern"
	"github.com/nacre-ssh/nacre/proxy"
)

// way implements [manner]: the session's proxy.
func (p *plinkRun) way() (func(context.Context) (net.Conn, error), error) {
	method := p.proxyMethod()
	if method == "none" || p.direct() {
		return nil, nil
	}
	for _, row := range [...]struct {
		method, scheme string
		way            func() (func(context.Context) (net.Conn, error), error)
	}{
		{"1", "socks4", nil}, {"2", "socks5", nil}, {"3", "http", nil},
		{"4", "", p.telnetWay}, {"5", "", p.commandWay}, {"6", "", p.hopWay},
	} {
		switch {
		case row.method != method:
		case row.way != nil:
			return row.way()
		default:
			return p.serverWay(row.scheme), nil
		}
	}
	return nil, plinkFatal("a proxy that is a command or a subsystem over SSH (ProxyMethod=" + method + ") is not supported; use one that opens a port (6)")
}

// proxyMethod is ProxyMethod, or what sessions had before it.
func (p *plinkRun) proxyMethod() string {
	if method := p.text("ProxyMethod"); method != "" {
		if method == "0" {
			return "none"
		}
		return method
	}
	switch p.set.Int("ProxyType", 0) {
	case 1:
		return "3"
	case 2:
		if p.set.Int("ProxySOCKSVersion", 5) == 4 {
			return "1"
		}
		return "2"
	case 3:
		return "4"
	case 4:
		return "5"
	}
	return "none"
}

// direct says that the host is not for the proxy.
func (p *plinkRun) direct() bool {
	host := strings.ToLower(p.host)
	if !p.on("ProxyLocalhost", false) {
		if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() || host == "localhost" {
			return true
		}
	}
	list := strings.FieldsFunc(strings.ToLower(p.text("ProxyExcludeList")), func(c rune) bool { return c == ',' || c == ' ' })
	return slices.ContainsFunc(list, func(word string) bool { return pattern.Any(host, word) })
}

func (p *plinkRun) proxyTarget() proxy.Target {
	host := p.text("ProxyHost")
	if host == "" {
		host = "proxy"
	}
	return proxy.Target{Host: host, Port: p.set.Int("ProxyPort", 80)}
}

func (p *plinkRun) target() proxy.Target {
	return proxy.Target{Host: p.ssh.conf.HostName, Port: p.ssh.conf.Port}
}

// serverWay goes through an HTTP or SOCKS proxy.
func (p *plinkRun) serverWay(scheme string) func(context.Context) (net.Conn, error) {
	dns := p.set.Int("ProxyDNS", 1) // 0 here, 1 as is usual for the kind, 2 there
	if scheme == "socks4" && dns == 2 {
		scheme = "socks4a"
	}
	server := &proxy.Proxy{Scheme: scheme, Target: p.proxyTarget(), User: p.text("ProxyUsername")}
	server.Password, server.HasPassword = p.set.Get("ProxyPassword")
	server.HasPassword = server.HasPassword && server.Password != ""
	return func(ctx context.Context) (net.Conn, error) {
		to := p.target()
		if dns == 0 && scheme != "socks4" {
			addresses, err := net.DefaultResolver.LookupIPAddr(ctx, to.Host)
			if err != nil {
				return nil, err
			}
			to.Host = addresses[0].String()
		}
		return p.ssh.proxyWay(server, to)(ctx)
	}
}

// commandWay runs a program on this machine as the connection.
func (p *plinkRun) commandWay() (func(context.Context) (net.Conn, error), error) {
	line, err := p.proxyText()
	if err != nil {
		return nil, err
	}
	return (&proxy.Command{Line: line, Stderr: p.Stderr}).Dial, nil
}

// telnetWay says a line to a proxy, behind whose answer the host speaks.
func (p *plinkRun) telnetWay() (func(context.Context) (net.Conn, error), error) {
	line, err := p.proxyText()
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (net.Conn, error) {
		nc, err := p.ssh.plainDialer().DialContext(ctx, "tcp", p.proxyTarget().String())
		if err != nil {
			return nil, err
		}
		if _, err := nc.Write([]byte(line)); err != nil {
			nc.Close()
			return nil, err
		}
		return nc, nil
	}, nil
}

// hopWay logs in to another host, which connects to this one. The host may be a
// session with a proxy of its own.
func (p *plinkRun) hopWay() (func(context.Context) (net.Conn, error), error) {
	if p.hops >= maxJumps {
		return nil, plinkFatal("the way leads through more than " + strconv.Itoa(maxJumps) + " hosts")
	}
	to := p.proxyTarget()
	line := &plinkLine{word: to.Host, hasWord: true, batch: p.line.batch, verbose: p.line.verbose, plain: true}
	if !launchable(p.store, to.Host) {
		line.settings.SetInt("PortNumber", to.Port)
	}
	if user := p.text("ProxyUsername"); user != "" {
		line.settings.Set("UserName", user)
	}
	if password := p.text("ProxyPassword"); password != "" {
		line.password = &password
	}
	line.settings.Set("SshNoShell", "1")
	hop := &plinkRun{Env: p.Env, line: line, store: p.store, hops: p.hops + 1}
	return hop.open(p)
}

// open is the way to another run's host through this one.
func (p *plinkRun) open(next *plinkRun) (func(context.Context) (net.Conn, error), error) {
	if err := p.load(); err != nil {
		return nil, err
	}
	p.set.Set("LogType", "0")
	if err := p.prepareRun(); err != nil {
		return nil, err
	}
	return func(ctx context.Context) (net.Conn, error) {
		c, err := p.connect(ctx)
		if err != nil {
			return nil, err
		}
		to := next.target()
		nc, err := c.DialTCP(ctx, to.Host, to.Port)
		if err != nil {
			c.Close()
			return nil, plinkFatal("Proxy error: " + p.reason(err))
		}
		return &hopConn{nc, c}, nil
	}, nil
}

// proxyText is ProxyTelnetCommand with its signs written out.
func (p *plinkRun) proxyText() (string, error) {
	text, ok := p.set.Get("ProxyTelnetCommand")
	if !ok {
		text = `connect %host %port\n`
	}
	at, to := p.proxyTarget(), p.target()
	return expandProxy(text, map[string]string{
		"host": to.Host, "port": strconv.Itoa(to.Port), "user": p.text("ProxyUsername"), "pass": p.text("ProxyPassword"),
		"proxyhost": at.Host, "proxyport": strconv.Itoa(at.Port),
	})
}

// expandProxy writes %word and the signs after a backslash out. What it doesn't
// know stays.
func expandProxy(text string, words map[string]string) (string, error) {
	var b strings.Builder
	for text != "" {
		rest := text[1:]
		switch {
		case text[0] == '\\' && rest != "":
			text = unslash(&b, rest)
		case text[0] == '%' && strings.HasPrefix(rest, "%"):
			b.WriteByte('%')
			text = rest[1:]
		case text[0] == '%':
			word := longest(rest, words)
			if word == "" {
				b.WriteByte('%')
			}
			if strings.ContainsAny(words[word], "\r\n\x00") {
				return "", plinkFatal("the proxy's " + word + " has a line end in it")
			}
			b.WriteString(words[word])
			text = rest[len(word):]
		default:
			b.WriteByte(text[0])
			text = rest
		}
	}
	return b.String(), nil
}

// longest is the longest word that a text begins with, in any case.
func longest(text string, words map[string]string) (found string) {
	for word := range words {
		if len(word) > len(found) && len(text) >= len(word) && strings.EqualFold(text[:len(word)], word) {
			found = word
		}
	}
	return found
}

// unslash writes what stands for the sign behind a backslash, and returns the
// rest.
func unslash(b *strings.Builder, text string) string {
	switch text[0] {
	case 'n':
		b.WriteByte('\n')
	case 'r':
		b.WriteByte('\r')
	case 't':
		b.WriteByte('\t')
	case 'x':
		if len(text) >= 3 {
			if n, err := strconv.ParseUint(text[1:3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				return text[3:]
			}
		}
		b.WriteString(`\x`)
	case '\\', '%':
		b.WriteByte(text[0])
	default:
		b.WriteString(`\` + text[:1])
	}
	return text[1:]
}

// preConnect runs PreConnectCommand and waits for it, whatever it says.
func (p *plinkRun) preConnect() error {
	line := p.text("PreConnectCommand")
	if line == "" {
		return nil
	}
	cmd := proxy.Shell(line)
	cmd.Stdout, cmd.Stderr = p.Stderr, p.Stderr
	if err := cmd.Run(); err != nil {
		if _, ended := err.(*exec.ExitError); !ended {
			return plinkFatal(fmt.Sprintf("the command to run before connecting: %s", door.Sentence(err)))
		}
		p.ssh.say(plinkVerbose, "The command before connecting ended with: %v", err)
	}
	return nil
}
