package applet

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// A dbHost is one host of a row: [user@]host[^port], or [user@]host[/port] of old.
type dbHost struct {
	user, host string
	port       int
}

// String is what messages call the host.
func (h dbHost) String() string {
	host := h.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s@%s:%d", term.Printable(h.user), host, h.port)
}

// hosts reads the row of hosts. -l and -p are for the last one. rsync and scp
// make "-l user host" of user@host, which tears a row apart that begins with a
// user: it is put together again.
func (l *dbLine) hosts() ([]dbHost, error) {
	row := l.host
	if strings.Contains(l.user, ",") && strings.Contains(l.user, "@") {
		row = l.user + "@" + row
	}
	words := strings.Split(row, ",")
	if len(words) > 1 && words[0] == "" {
		return nil, dbSays("Bad multi-hop hostnames")
	}
	if len(words) > maxJumps {
		return nil, dbSays(fmt.Sprintf("the way leads through more than %d hosts", maxJumps))
	}
	var hosts []dbHost
	for i, word := range words {
		name, port := l.user, l.port
		if i < len(words)-1 || row != l.host {
			name = ""
		}
		if i < len(words)-1 {
			port = ""
		}
		h, err := parseDbHost(word, name, port)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, h)
	}
	return hosts, nil
}

func parseDbHost(word, name, port string) (h dbHost, err error) {
	if before, after, ok := strings.Cut(word, "@"); ok {
		name, word = before, after
	}
	if i := strings.IndexByte(word, '^'); i >= 0 {
		word, port = word[:i], word[i+1:]
	} else if i := strings.IndexByte(word, '/'); i >= 0 {
		word, port = word[:i], word[i+1:]
	}
	h = dbHost{user: name, host: word, port: 22}
	if h.user == "" {
		h.user = ownUser()
	}
	if port != "" {
		if h.port, err = strconv.Atoi(port); err != nil || h.port < 1 || h.port > 65535 {
			return h, dbSays("Bad port '" + term.Printable(port) + "'")
		}
	}
	// What follows may be looked up, remembered and printed; it is never part
	// of a command.
	if !config.ValidHost(h.host) || h.host == "" {
		return h, dbSays("Bad hostname.")
	}
	if !config.ValidUser(h.user) {
		return h, dbSays("Bad username.")
	}
	return h, nil
}

func ownUser() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "unknown"
	}
	return u.Username[strings.LastIndexByte(u.Username, '\\')+1:] // DOMAIN\user on Windows
}

// way implements [manner].
func (d *dbRun) way() (func(context.Context) (net.Conn, error), error) {
	switch {
	case len(d.prior) > 0:
		return d.jump, nil
	case strings.HasPrefix(d.line.proxy, "&"):
		if way := descriptorWay(d.line.proxy[1:]); way != nil {
			return way, nil
		}
	}
	if d.line.proxy != "" {
		return d.ssh.commandWay(d.line.proxy)
	}
	if _, port := d.line.bindTo(); port != "" {
		return d.boundWay, nil
	}
	return nil, nil
}

// jump connects from the host before this one, in the same process and with what
// this command line says.
func (d *dbRun) jump(ctx context.Context) (net.Conn, error) {
	hop, err := newDbRun(d.Env, d.line, d.prior)
	if err != nil {
		return nil, err
	}
	c, err := hop.connect(ctx)
	if err != nil {
		hop.fail(err)
		return nil, errDbHop
	}
	nc, err := c.DialTCP(ctx, d.at.host, d.at.port)
	if err != nil {
		c.Close()
		hop.fail(err)
		return nil, errDbHop
	}
	return &hopConn{nc, c}, nil
}

// descriptorWay is -J &fd: a socket that this process was started with.
func descriptorWay(digits string) func(context.Context) (net.Conn, error) {
	fd, err := strconv.Atoi(digits)
	if err != nil || fd <= 2 || fd >= 1024 {
		return nil
	}
	return func(context.Context) (net.Conn, error) {
		f := os.NewFile(uintptr(fd), "&"+digits)
		defer f.Close()
		nc, err := net.FileConn(f)
		if err != nil {
			return nil, fmt.Errorf("the descriptor %d is no socket: %w", fd, err)
		}
		return nc, nil
	}
}

// bindTo splits -b's [address][:port].
func (l *dbLine) bindTo() (address, port string) {
	if rest, ok := strings.CutPrefix(l.bind, "["); ok {
		address, rest, _ = strings.Cut(rest, "]")
		return address, strings.TrimPrefix(rest, ":")
	}
	if i := strings.LastIndexByte(l.bind, ':'); i >= 0 {
		return l.bind[:i], l.bind[i+1:]
	}
	return l.bind, ""
}

// boundWay connects from a port of the user's choice.
func (d *dbRun) boundWay(ctx context.Context) (net.Conn, error) {
	address, port := d.line.bindTo()
	from, err := net.ResolveTCPAddr("tcp", net.JoinHostPort(address, port))
	if err != nil {
		return nil, &client.ConnectError{Host: d.at.host, Port: d.at.port, Err: err}
	}
	dialer := net.Dialer{LocalAddr: from, Timeout: time.Minute}
	nc, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(d.at.host, strconv.Itoa(d.at.port)))
	if err != nil {
		return nil, &client.ConnectError{Host: d.at.host, Port: d.at.port, Err: err}
	}
	return nc, nil
}

// output implements [manner].
func (d *dbRun) output(to *os.File) io.Writer { return bulkOutput(to) }
