package applet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/term"
)

// maxJumps is how many hosts one connection may lead through, whoever named
// them.
const maxJumps = 16

// jump connects to the host from the last of its hops, which is reached through
// those before it.
func (r *sshRun) jump(ctx context.Context) (net.Conn, error) {
	hop, err := r.hop()
	if err != nil {
		return nil, err
	}
	r.say(config.LogDebug1, "debug1: Jumping to %s port %d through %s.", r.conf.HostName, r.conf.Port, hop.place())
	if nc := hop.throughMaster(ctx, r); nc != nil {
		return nc, nil
	}
	if nc, err := hop.throughNewMaster(ctx, r); nc != nil || err != nil {
		return nc, err
	}
	c, err := hop.connect(ctx)
	switch {
	case errors.Is(err, term.ErrInterrupted):
		return nil, err
	case err != nil:
		return nil, &hopError{hop.place(), hop.explain(err)}
	}
	hop.localCommand("")
	nc, err := c.DialTCP(ctx, r.conf.HostName, r.conf.Port)
	if err != nil {
		c.Close()
		return nil, hop.unreachable(r, err)
	}
	share, err := hop.share(ctx, c)
	if err != nil {
		nc.Close()
		c.Close()
		return nil, &hopError{hop.place(), err.Error()}
	}
	r.shares = append(hop.shares, share)
	return &hopConn{nc, c}, nil
}

// A hopError is the failure of a host in between.
type hopError struct{ hop, text string }

func (e *hopError) Error() string { return "jump host " + e.hop + ": " + e.text }

// unreachable says that a hop doesn't get to the next host.
func (r *sshRun) unreachable(next *sshRun, err error) error {
	var refused *mux.OpenError
	if errors.As(err, &refused) {
		return &hopError{r.place(), fmt.Sprintf("open failed: %s (it was asked to connect to %s port %d)",
			term.Printable(refused.Text), next.conf.HostName, next.conf.Port)}
	}
	return &hopError{r.place(), r.explain(err)}
}

// place is a hop for people.
func (r *sshRun) place() string {
	return r.conf.User + "@" + r.conf.Host
}

// name is what a chain may lead through once. It has the host as it was typed:
// an address such as 127.0.0.1 is another host on each hop.
func (r *sshRun) name() string {
	return fmt.Sprintf("%s@%s port %d", r.conf.User, r.conf.Host, r.conf.Port)
}

// hop is the run that logs in to the last hop. It has its own configuration, and
// of this command line only -F and -v; the hops before it are its ProxyJump,
// where there are some.
func (r *sshRun) hop() (*sshRun, error) {
	hops := r.conf.ProxyJump
	last, before := hops[len(hops)-1], hops[:len(hops)-1]
	line := &sshLine{host: last.Host, user: last.User, file: r.line.file, verbose: r.line.verbose}
	if line.verbose > 0 {
		line.level = r.line.level
	}
	if last.Port != 0 {
		line.first = append(line.first, config.Option("Port", fmt.Sprint(last.Port)))
	}
	if len(before) > 0 {
		line.first = append(line.first, config.Option("ProxyJump", joinJumps(before)))
	}
	h := &sshRun{Env: r.Env, line: line, via: append(r.via[:len(r.via):len(r.via)], r.name())}
	h.speaker.out = hopWriter{r, last.Host}
	conf, err := line.load()
	if err != nil {
		return nil, &hopError{last.Host, err.Error()}
	}
	h.conf, h.speaker.level = conf, conf.LogLevel
	h.peer = fmt.Sprintf("%s port %d", conf.HostName, conf.Port)
	if slices.Contains(h.via, h.name()) {
		return nil, fmt.Errorf("jumphost loop via %s", last.Host)
	}
	if len(h.via) > maxJumps {
		return nil, fmt.Errorf("the way leads through more than %d hosts", maxJumps)
	}
	return h, nil
}

// joinJumps writes hops as ProxyJump takes them.
func joinJumps(hops []config.Jump) string {
	var words []string
	for _, j := range hops {
		word := j.Host
		if strings.Contains(word, ":") {
			word = "[" + word + "]"
		}
		if j.User != "" {
			word = j.User + "@" + word
		}
		if j.Port != 0 {
			word += fmt.Sprintf(":%d", j.Port)
		}
		words = append(words, word)
	}
	return strings.Join(words, ",")
}

// hopWriter has what a hop says printed by the run that jumps: that one knows
// the state of the terminal. Messages of -v get the hop's name.
type hopWriter struct {
	run *sshRun
	hop string
}

func (w hopWriter) Write(b []byte) (int, error) {
	text := string(b)
	if mark, rest, ok := strings.Cut(text, ": "); ok && strings.HasPrefix(mark, "debug") && !strings.HasPrefix(rest, "[") {
		text = mark + ": [" + w.hop + "] " + rest
	}
	w.run.print(text)
	return len(b), nil
}

// hopConn is a connection that ends the hop's with it.
type hopConn struct {
	net.Conn
	hop *client.Client
}

// CloseWrite passes the end of what is sent on.
func (c *hopConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

func (c *hopConn) Close() error {
	err := c.Conn.Close()
	c.hop.Close()
	return err
}
