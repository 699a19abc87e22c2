package telnet

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// A wire is a connection whose other side has said all it will say.
type wire struct {
	net.Conn // nil
	said     io.Reader
	answers  bytes.Buffer
}

func (w *wire) Read(p []byte) (int, error)  { return w.said.Read(p) }
func (w *wire) Write(p []byte) (int, error) { return w.answers.Write(p) }

// hear makes a Conn hear all of said; it returns the data and the answers.
func hear(t testing.TB, o Options, said string) (data, answers string, err error) {
	t.Helper()
	w := &wire{said: strings.NewReader(said)}
	c, err := New(w, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(c)
	return string(b), w.answers.String(), err
}

// What servers say, as bytes: recorded from inetutils' telnetd.
const (
	telnetdOpens = "\xff\xfb%\xff\xfb&\xff\xfd\x18\xff\xfd \xff\xfd#\xff\xfd'\xff\xfd$\xff\xfb\x01\xff\xfb\x03\xff\xfd\x1f"
	telnetdAsks  = "\xff\xfa \x01\xff\xf0\xff\xfa'\x01\xff\xf0\xff\xfa\x18\x01\xff\xf0"
	telnetdGoes  = "\xff\xfd\x01\xff\xfd\"\xff\xfb\x05\xff\xfd!\xff\xfd\x06\xff\xfd\x00login: "
)

func full() Options {
	return Options{
		Terminal: "vt220", Speed: "38400,38400", Columns: 80, Rows: 24, Active: true, Characters: true,
		Environ: []Variable{{"USER", "joe"}, {"FOO", "b\x02\xffr"}},
	}
}

func TestConnAnswers(t *testing.T) {
	begins := "\xff\xfd\x01\xff\xfd\x03\xff\xfb\x18\xff\xfb\x1f\xff\xfb \xff\xfb'"
	for _, test := range []struct {
		name          string
		options       Options
		said          string
		data, answers string
	}{
		{"telnetd", full(), telnetdOpens + telnetdAsks + telnetdGoes, "login: ", begins +
			"\xff\xfe%\xff\xfe&\xff\xfc#\xff\xfc$\xff\xfa\x1f\x00P\x00\x18\xff\xf0" +
			"\xff\xfa \x0038400,38400\xff\xf0\xff\xfa'\x00\x00USER\x01joe\x03FOO\x01b\x02\x02\xff\xffr\xff\xf0\xff\xfa\x18\x00VT220\xff\xf0" +
			"\xff\xfc\x01\xff\xfc\"\xff\xfe\x05\xff\xfc!\xff\xfc\x06\xff\xfb\x00"},
		{"nothing to tell", Options{}, telnetdOpens, "",
			"\xff\xfe%\xff\xfe&\xff\xfc\x18\xff\xfc \xff\xfc#\xff\xfc'\xff\xfc$\xff\xfd\x01\xff\xfd\x03\xff\xfc\x1f"},
		{"not agreed", Options{Terminal: "x", Environ: full().Environ}, telnetdAsks, "", ""},
		{"unknown", Options{}, "\xff\xfb\x63\xff\xfd\x63\xff\xfc\x63\xff\xfe\x63\xff\xfd\xff\xff\xfb\xff", "", "\xff\xfe\x63\xff\xfc\x63\xff\xfc\xff\xff\xfe\xff"},
		{"data", Options{}, "a\xff\xffb\r\x00c\r\nd\re\x00", "a\xffb\rc\r\nd\re\x00", ""},
		{"eight bits", Options{}, "\xff\xfb\x00a\r\x00b\xff\xff", "a\r\x00b\xff", "\xff\xfd\x00"},
		{"commands", Options{}, "a\xff\xf1b\xff\xf9c\xff\xf2d\xff\xf6e\xff\xf0f\xff\x07g", "abcdefg", ""},
		{"broken sub-negotiation", full(), telnetdOpens + "\xff\xfa\x18\x01\xff\xfb\x00x", "x", begins +
			"\xff\xfe%\xff\xfe&\xff\xfc#\xff\xfc$\xff\xfa\x1f\x00P\x00\x18\xff\xf0\xff\xfd\x00"},
		{"empty sub-negotiations", full(), "\xff\xfa\xff\xf0\xff\xfa\x18\xff\xf0x", "x", begins},
		{"cut short", Options{}, "x\xff\xfa\x18\x01", "x", ""},
		{"wakes", Options{Terminal: "x", Wake: true}, "\xff\xfb\x01", "", "\xff\xfb\x18\xff\xfd\x01\xff\xfd\x03"},
		{"waits", Options{Terminal: "x"}, "hello", "hello", ""},
		{"old environ", Options{Environ: []Variable{{"A", "1"}}}, "\xff\xfd$\xff\xfa$\x01\xff\xf0\xff\xfa$\x01\x01A\xff\xf0", "",
			"\xff\xfb$\xff\xfa$\x00\x03A\x011\xff\xf0\xff\xfa$\x00\x03A\x001\xff\xf0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data, answers, err := hear(t, test.options, test.said)
			if err != nil || data != test.data || answers != test.answers {
				t.Errorf("data %q, answers\n%q, %v; want %q and\n%q", data, answers, err, test.data, test.answers)
			}
		})
	}
}

// Only what the user named is told, and of that only what is asked for.
func TestEnviron(t *testing.T) {
	t.Setenv("SECRET", "from the process")
	known := []Variable{{"USER", "joe"}, {"FOO", "bar"}}
	for _, test := range []struct{ name, request, want string }{
		{"all", "", "\x00USER\x01joe\x03FOO\x01bar"},
		{"VAR", "\x00", "\x00USER\x01joe"},
		{"USERVAR", "\x03", "\x03FOO\x01bar"},
		{"both", "\x00\x03", "\x00USER\x01joe\x03FOO\x01bar"},
		{"one", "\x03FOO", "\x03FOO\x01bar"},
		{"one of the other kind", "\x00FOO", "\x03FOO\x01bar"},
		{"unnamed", "\x03SECRET\x03HOME", "\x03SECRET\x03HOME"},
		{"again and again", strings.Repeat("\x03FOO", 500), "\x03FOO\x01bar"},
		{"escaped", "\x03F\x02\x01O", "\x03F\x02\x01O"},
	} {
		if got := string(newDialect().environ([]byte(test.request), known)); got != "\x00"+test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}

func TestRefusedOptions(t *testing.T) {
	for _, o := range []Options{
		{Environ: []Variable{{"USER", "-froot"}}},
		{Environ: []Variable{{"USER", "a\nb"}}},
		{Environ: []Variable{{"", "x"}}},
		{Environ: []Variable{{"A=B", "x"}}},
		{Environ: []Variable{{"A", strings.Repeat("x", maxVariable)}}},
		{Environ: make([]Variable, maxVariables+1)},
		{Terminal: strings.Repeat("x", maxName+1)},
	} {
		if _, err := New(&wire{}, o); err == nil {
			t.Errorf("%.60v was taken", o)
		}
	}
}

func TestSubnegotiationWithoutEnd(t *testing.T) {
	_, _, err := hear(t, Options{}, "\xff\xfa\x18"+strings.Repeat("x", maxSubnegotiation))
	if !errors.Is(err, ErrTooLong) {
		t.Errorf("the error is %v", err)
	}
}

func TestConnSends(t *testing.T) {
	w := &wire{said: strings.NewReader("\xff\xfd\x1f\xff\xfd\x00")}
	c, err := New(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	step := func(name, want string, err error) {
		t.Helper()
		if got := w.answers.String(); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, want)
		}
		w.answers.Reset()
	}
	_, err = c.Write([]byte("a\xffb\rc\r\nd\r"))
	step("data", "a\xff\xffb\r\x00c\r\nd\r\x00", err)
	step("size", "", c.Resize(300, 255))
	_, err = c.Read(make([]byte, 10))
	if err != io.EOF {
		t.Error(err)
	}
	step("asked for size", "\xff\xfb\x1f\xff\xfa\x1f\x01\x2c\x00\xff\xff\xff\xf0\xff\xfb\x00", nil)
	step("new size", "\xff\xfa\x1f\x00\x50\x00\x18\xff\xf0", c.Resize(80, 24))
	_, err = c.Write([]byte("\r\xff"))
	step("eight bits", "\r\xff\xff", err)
	step("commands", "\xff\xf6\xff\xf1", c.Send(AYT, NOP))
	step("interrupt", "\xff\xf4\xff\xfd\x06", c.Interrupt(IP))
	step("synch", "\xff\xf2", c.Synch())
	step("end", "\xff\xec", c.EndOfInput())
	step("ask", "\xff\xfd\x01", c.Ask(Echo, true))
	step("ask again", "", c.Ask(Echo, true))
	step("offer", "\xff\xfb\x03", c.Offer(SuppressGoAhead, true))
	step("offer what there isn't", "", c.Offer(99, true))
}

func TestMode(t *testing.T) {
	w := &wire{said: strings.NewReader("\xff\xfb\x01x\xff\xfb\x03y\xff\xfc\x01z")}
	c, err := New(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(c); err != nil {
		t.Fatal(err)
	}
	if got := c.Mode(); got != (Mode{Echo: true}) {
		t.Errorf("mode %+v", got)
	}
	if us, them := c.Enabled(SuppressGoAhead); us || !them {
		t.Errorf("GA: %v %v", us, them)
	}
}

// What is interrupted is dropped up to the timing mark, but only where the other
// side can send one.
func TestInterruptDrops(t *testing.T) {
	for _, test := range []struct{ first, then, want string }{
		{"\xff\xfb\x03>", "old\xff\xfc\x06new", ">new"},
		{">", "old, and all there is", ">old, and all there is"},
	} {
		near, far := pair(t)
		c, err := New(near, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(far, test.first); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 100)
		n, err := c.Read(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Interrupt(IP); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(far, test.then); err != nil {
			t.Fatal(err)
		}
		if err := far.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		rest, err := io.ReadAll(c)
		if all := string(got[:n]) + string(rest); err != nil || all != test.want {
			t.Errorf("%q, %v, want %q", all, err, test.want)
		}
	}
}

// pair is a TCP connection's two ends.
func pair(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err = l.AcceptTCP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close(); server.Close() })
	deadline := time.Now().Add(20 * time.Second)
	nc.SetDeadline(deadline)
	server.SetDeadline(deadline)
	return nc.(*net.TCPConn), server
}

func FuzzConn(f *testing.F) {
	for _, seed := range []string{telnetdOpens, telnetdAsks, telnetdGoes, "a\xff\xffb\r\x00", "\xff\xfa$\x01\x01A\xff\xf0", "\xff\xfa\x27\x01\x00USER\x03SECRET\xff\xf0"} {
		f.Add([]byte(telnetdOpens+seed), uint8(3))
	}
	f.Fuzz(func(t *testing.T, said []byte, size uint8) {
		data, answers, err := hear(t, full(), string(said))
		if err != nil && !errors.Is(err, ErrTooLong) {
			t.Fatal(err)
		}
		if len(answers) > 200+30*len(said) {
			t.Fatalf("%d bytes were answered with %d", len(said), len(answers))
		}
		// However it comes in pieces, it means the same.
		w := &wire{said: bytes.NewReader(said)}
		c, err := New(w, full())
		if err != nil {
			t.Fatal(err)
		}
		var pieces []byte
		buf := make([]byte, max(size, 1))
		for err == nil {
			var n int
			n, err = c.Read(buf)
			pieces = append(pieces, buf[:n]...)
		}
		if string(pieces) != data || w.answers.String() != answers {
			t.Fatalf("in pieces: %q and %q, at once %q and %q", pieces, w.answers.String(), data, answers)
		}
	})
}
