package applet

import (
	"fmt"
	"os"
	"strings"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/transport"
)

// connections lists what is open on the connection.
func (e *escaper) connections(letter byte) bool {
	e.echo(letter, "")
	e.run.print(openConnections(e.conn.Mux))
	return true
}

// openConnections is the list of the open channels, in ssh's words.
func openConnections(m *mux.Mux) string {
	var b strings.Builder
	b.WriteString("The following connections are open:\n")
	for _, i := range m.Channels() {
		name := i.Name
		if name == "session" {
			name = "client-session"
		}
		fmt.Fprintf(&b, "  #%d %.300s (%s)\n", i.ID, term.Printable(name), channelStatus(i))
	}
	return b.String()
}

// The states of a direction, as ssh counts them.
const (
	directionOpen   = 0
	directionClosed = 3
	channelOpening  = 3
	channelOpen     = 4
)

// channelStatus is ssh's short form of what is known of a channel: t is whether
// it is open, r the peer's number, i and o the two directions with the bytes
// that wait.
func channelStatus(i mux.Info) string {
	state, peer, in, out := channelOpen, "r", directionOpen, directionOpen
	if !i.Confirmed {
		state, peer = channelOpening, "nr"
	}
	if i.SentEOF {
		in = directionClosed
	}
	if i.GotEOF {
		out = directionClosed
	}
	return fmt.Sprintf("t%d [%s] %s%d i%d/0 o%d/%d", state, term.Printable(i.Type), peer, i.Peer, in, out, i.Waiting)
}

// information tells what the connection is made of.
func (e *escaper) information(letter byte) bool {
	e.echo(letter, "")
	e.run.print(connectionText(e.conn.Conn))
	return true
}

// connectionText tells what a connection is made of, in lines.
func connectionText(conn *transport.Conn) string {
	n, nc := conn.Negotiated(), conn.NetConn()
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	mac := func(mac string) string {
		if mac == "" {
			return "<implicit>"
		}
		return mac
	}
	return fmt.Sprintf("Connection information for %s pid %d\n", host, os.Getpid()) +
		fmt.Sprintf("  tcp %s -> %s\n", nc.LocalAddr(), nc.RemoteAddr()) +
		fmt.Sprintf("  kexalgorithm %s\n  hostkeyalgorithm %s\n", n.Kex, n.HostKey) +
		fmt.Sprintf("  cipher %s\n", bothWays(n.In.Cipher, n.Out.Cipher)) +
		fmt.Sprintf("  mac %s\n", bothWays(mac(n.In.MAC), mac(n.Out.MAC))) +
		fmt.Sprintf("  compression %s\n", bothWays(n.In.Compression, n.Out.Compression)) +
		fmt.Sprintf("  round trip %v\n", conn.RTT())
}

// bothWays names what both directions use, or the two of them.
func bothWays(in, out string) string {
	if in == out {
		return in
	}
	return in + " in, " + out + " out"
}
