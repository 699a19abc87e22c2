//go:build unix

package telnet

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// readFull reads n bytes of what the client sent.
func readFull(t *testing.T, r io.Reader, n int) string {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatalf("reading %d bytes: %v, got %q", n, err, b)
	}
	return string(b)
}

func say1(t *testing.T, nc net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(nc, text); err != nil {
		t.Fatal(err)
	}
}

func urgently(t *testing.T, nc net.Conn, b byte) {
	t.Helper()
	if err := sendUrgent(nc, b); err != nil {
		t.Fatal(err)
	}
}

func TestRlogin(t *testing.T) {
	client, server := pair(t)
	r, err := NewRlogin(client, Login{Local: "ann", Remote: "joe", Terminal: "xterm", Speed: "38400", Columns: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	if got := readFull(t, server, 21); got != "\x00ann\x00joe\x00xterm/38400\x00" {
		t.Fatalf("the client says %q", got)
	}
	if err := r.Resize(90, 30); err != nil { // not asked for yet
		t.Fatal(err)
	}
	say1(t, server, "\x00hel")
	urgently(t, server, 0x80)
	say1(t, server, "lo\xff\x80")
	if got := readFull(t, r, 7); got != "hello\xff\x80" {
		t.Errorf("the server's words come as %q", got)
	}
	if got := readFull(t, server, 12); got != "\xff\xffss\x00\x1e\x00\x5a\x00\x00\x00\x00" {
		t.Errorf("the size is told as %q", got)
	}
	if err := r.Resize(132, 40); err != nil {
		t.Fatal(err)
	}
	if got := readFull(t, server, 12); got != "\xff\xffss\x00\x28\x00\x84\x00\x00\x00\x00" {
		t.Errorf("the new size is told as %q", got)
	}
	urgently(t, server, 0x10) // flow control: nothing to answer
	say1(t, server, "end")
	server.CloseWrite()
	if rest, err := io.ReadAll(r); err != nil || string(rest) != "end" {
		t.Errorf("the end is %q, %v", rest, err)
	}
}

// The size can be asked for before anything else is said, and be the last thing.
func TestRloginUrgentAlone(t *testing.T) {
	client, server := pair(t)
	r, err := NewRlogin(client, Login{Remote: "joe", Columns: 80, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	urgently(t, server, 0x80)
	say1(t, server, "\x01rlogind: no\n")
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil || line != "rlogind: no\n" {
		t.Errorf("%q, %v", line, err)
	}
	urgently(t, server, 0x80)
	server.CloseWrite()
	if rest, err := io.ReadAll(r); err != nil || len(rest) != 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

func TestRloginRefusesNames(t *testing.T) {
	for _, l := range []Login{{}, {Remote: "-froot"}, {Remote: "a\x00b"}, {Local: "a\x00", Remote: "joe"}, {Remote: "joe", Terminal: "x\x00"}, {Remote: "joe", Terminal: strings.Repeat("x", 300)}} {
		if _, err := NewRlogin(&wire{}, l); err == nil {
			t.Errorf("%+v was taken", l)
		}
	}
}

// A Synch drops what is on the way, and what is behind its mark comes.
func TestSynchReceived(t *testing.T) {
	client, server := pair(t)
	c, err := New(client, Options{})
	if err != nil {
		t.Fatal(err)
	}
	say1(t, server, "a")
	if got := readFull(t, c, 1); got != "a" {
		t.Fatal(got)
	}
	say1(t, server, "dropped\xff\xfb\x01\xff")
	urgently(t, server, byte(DM))
	say1(t, server, "kept")
	server.CloseWrite()
	rest, err := io.ReadAll(c)
	if err != nil || !strings.HasSuffix(string(rest), "kept") || strings.Contains(string(rest), "\xff") {
		t.Errorf("%q, %v", rest, err)
	}
	if got := readFull(t, server, 3); got != "\xff\xfd\x01" {
		t.Errorf("the option among what was dropped is answered with %q", got)
	}
}

func TestSynchSent(t *testing.T) {
	client, server := pair(t)
	c, err := New(client, Options{})
	if err != nil {
		t.Fatal(err)
	}
	in := newInput(server)
	say1(t, c, "x")
	if err := c.Synch(); err != nil {
		t.Fatal(err)
	}
	say1(t, c, "y")
	var all []byte
	buf := make([]byte, 10)
	for len(all) < 4 {
		n, _, err := in.read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if in.mark != (buf[0] == byte(DM)) {
			t.Errorf("read %q, marked %v", buf[:n], in.mark)
		}
		all = append(all, buf[:n]...)
	}
	if string(all) != "x\xff\xf2y" {
		t.Errorf("%q", all)
	}
}
