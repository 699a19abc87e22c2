package x11

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// A Display is an X server, as $DISPLAY names it (X(7), DISPLAY NAMES).
type Display struct {
	Host   string // "" for this machine's socket
	Path   string // the socket that the name itself gives, as macOS does; else ""
	Number int
	Screen int
}

// Limits of a display's number: 6000 and it make a port.
const (
	basePort  = 6000
	maxNumber = 65535 - basePort
	maxScreen = 255
	maxName   = 256 // of a display's name, in bytes
)

// ParseDisplay reads a display's name: ":0", "unix:0.1", "host:10", "[::1]:0" or
// "/path/of/a/socket:0".
func ParseDisplay(name string) (Display, error) {
	bad := fmt.Errorf("%q is no name of a display: it looks like :0 or localhost:10.0", name)
	colon := strings.LastIndexByte(name, ':')
	if colon < 0 || len(name) > maxName {
		return Display{}, bad
	}
	d := Display{Host: name[:colon]}
	number, screen, hasScreen := strings.Cut(name[colon+1:], ".")
	var ok bool
	if d.Number, ok = decimal(number, maxNumber); !ok {
		return Display{}, bad
	}
	if d.Screen, ok = decimal(screen, maxScreen); hasScreen && !ok {
		return Display{}, bad
	}
	switch {
	case strings.HasPrefix(name, "/"):
		d.Host, d.Path = "", name
	case d.Host == "unix":
		d.Host = ""
	case strings.HasPrefix(d.Host, "[") && strings.HasSuffix(d.Host, "]"):
		d.Host = d.Host[1 : len(d.Host)-1]
	}
	if !validHost(d.Host) {
		return Display{}, bad
	}
	return d, nil
}

func decimal(text string, most int) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && int(n) <= most && text[0] != '+'
}

// validHost keeps to the letters that OpenSSH takes.
func validHost(host string) bool {
	for _, c := range []byte(host) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(":/.-_%", c) >= 0 {
			continue
		}
		return false
	}
	return true
}

// local reports whether the display is of this machine, so that its cookie is
// found by the machine's name.
func (d Display) local() bool { return d.Host == "" || d.Host == "localhost" }

// Dial connects to the display.
func (d Display) Dial(ctx context.Context) (net.Conn, error) {
	var dialer net.Dialer
	if d.Host != "" {
		return dialer.DialContext(ctx, "tcp", net.JoinHostPort(d.Host, strconv.Itoa(basePort+d.Number)))
	}
	if d.Path != "" {
		// The number is part of the socket's name, or says which display
		// the server at the socket is.
		if c, err := dialer.DialContext(ctx, "unix", d.Path); err == nil {
			return c, nil
		}
		return dialer.DialContext(ctx, "unix", d.Path[:strings.LastIndexByte(d.Path, ':')])
	}
	return dialer.DialContext(ctx, "unix", fmt.Sprintf("/tmp/.X11-unix/X%d", d.Number))
}
