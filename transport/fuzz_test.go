package transport

import (
	"bytes"
	"context"
	"io"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// The seeds under testdata/fuzz are what real peers sent; internal/hostile
// records them (go test ./internal/hostile -run Real -args -record).

// A tapeConn is a connection whose peer has said all already and listens to
// nothing.
type tapeConn struct{ io.Reader }

func (tapeConn) Write(p []byte) (int, error)      { return len(p), nil }
func (tapeConn) Close() error                     { return nil }
func (tapeConn) LocalAddr() net.Addr              { return nil }
func (tapeConn) RemoteAddr() net.Addr             { return nil }
func (tapeConn) SetDeadline(time.Time) error      { return nil }
func (tapeConn) SetReadDeadline(time.Time) error  { return nil }
func (tapeConn) SetWriteDeadline(time.Time) error { return nil }

// unpack reads the messages that the corpora hold: strings, one after the other.
func unpack(b []byte) (messages [][]byte) {
	r := wire.NewReader(b)
	for r.Len() > 0 && len(messages) < 1000 {
		if m := r.Bytes(); len(m) > 0 && len(m) <= wire.MaxPayload {
			messages = append(messages, m)
		}
	}
	return messages
}

// plainStream seals messages without keys.
func plainStream(messages [][]byte) (b []byte) {
	s := packet.NewPlainSealer()
	for _, m := range messages {
		p := make([]byte, packet.Head+len(m)+packet.Tail)
		copy(p[packet.Head:], m)
		b = append(b, p[:s.Seal(p, len(m), 0)]...)
	}
	return b
}

// onTape makes a Conn that reads from b. finish waits for what it started and
// fails the test when something is left of it.
func onTape(t testing.TB, b []byte, server bool) (c *Conn, finish func()) {
	before := slab.Out()
	var started sync.WaitGroup
	cfg := &Config{HostKeys: hostKeys()[:1], VerifyHostKey: trustAll, Exportable: true, Go: func(f func()) { started.Go(f) }}
	c = makeConn(tapeConn{bytes.NewReader(b)}, cfg, server)
	return c, func() {
		c.Close()
		c.in.release()
		started.Wait()
		if n := slab.Out() - before; n != 0 {
			t.Errorf("%d slabs are still out", n)
		}
	}
}

// deliver reads until the end, which must come.
func deliver(t testing.TB, c *Conn) {
	for range 100_000 {
		p, err := c.Next()
		if err != nil {
			return
		}
		if len(p) == 0 || len(p) > slab.Large {
			t.Fatalf("a payload of %d bytes", len(p))
		}
		c.out.mu.Lock()
		for i := range c.out.lanes {
			if n := c.out.lanes[i].bytes; n > controlCap+bounds.bulk {
				t.Errorf("%d bytes wait in lane %d", n, i)
			}
		}
		c.out.mu.Unlock()
	}
	t.Fatal("it never ends")
}

func FuzzIdentification(f *testing.F) {
	f.Add([]byte("SSH-2.0-x\n"))
	f.Add([]byte("hello\r\n\r\nSSH-1.99-x y z\r\n"))
	f.Add([]byte(strings.Repeat("x", 300)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, server := range []bool{true, false} {
			c, finish := onTape(t, b, server)
			err := c.readIdentification()
			if err == nil && (!strings.HasPrefix(c.theirs, "SSH-") || len(c.theirs) > wire.MaxVersion || strings.Contains(c.theirs, "\n")) {
				t.Errorf("took %q", c.theirs)
			}
			finish()
		}
	})
}

func FuzzKexInit(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := parseKexInit(b)
		if err != nil {
			return
		}
		for _, list := range k.lists() {
			if len(*list) > wire.MaxNames {
				t.Errorf("%d names", len(*list))
			}
		}
		again, err := parseKexInit(k.marshal([16]byte(b[1:])))
		if err != nil || !reflect.DeepEqual(k, again) {
			t.Errorf("%v: %+v and %+v", err, k, again)
		}
		ours := &kexInit{kex: []string{"a", "b"}, hostKeys: []string{"c"}}
		guessRight(k, ours)
		negotiate(k, ours)
		negotiate(ours, k)
	})
}

func FuzzExtInfo(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		c, finish := onTape(t, nil, false)
		if c.handleExtInfo(b) == nil {
			c.ServerSigAlgs()
			if len(c.ext) > maxExtensions {
				t.Errorf("%d extensions", len(c.ext))
			}
		}
		finish()
	})
}

func FuzzDisconnect(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		c, finish := onTape(t, nil, true)
		err := c.handleDisconnect(b)
		if gone, ok := err.(*DisconnectError); !ok || len(gone.Text) > 1024 {
			t.Errorf("%v", err)
		}
		finish()
	})
}

// FuzzFirstKex is a whole first key exchange, in both roles.
func FuzzFirstKex(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) {
		stream := append([]byte("SSH-2.0-fuzz\r\n"), plainStream(unpack(b))...)
		for _, server := range []bool{true, false} {
			c, finish := onTape(t, stream, server)
			if err := c.handshake(context.Background()); err != nil {
				c.fail(err)
			} else if server { // a client can't be convinced: the signature is over its own random value
				deliver(t, c)
			} else {
				t.Error("a client takes what was said to another")
			}
			finish()
		}
	})
}

// FuzzConn is a whole connection behind its first key exchange: the bytes are
// the messages as they come out of the cipher.
func FuzzConn(f *testing.F) {
	f.Add(wire.AppendString(wire.AppendString(nil, "\xc0\x00\x00\x00\x01x"), "\x05rest"))
	f.Fuzz(func(t *testing.T, b []byte) {
		stream := plainStream(unpack(b))
		for _, server := range []bool{true, false} {
			c, finish := onTape(t, stream, server)
			c.ours, c.theirs, c.sessionID, c.strict = "SSH-2.0-x", "SSH-2.0-y", []byte("session"), true
			c.hostKey = hostKeys()[0].Public().Blob()
			if len(b)%2 == 0 {
				c.AuthSucceeded()
			}
			deliver(t, c)
			finish()
		}
	})
}

// FuzzSealed is what a wire may carry behind the keys, in one mode after the
// other.
func FuzzSealed(f *testing.F) {
	for i := range 16 {
		f.Add(byte(i), append([]byte{0, 0, 0, 28, 6}, make([]byte, 100)...))
	}
	f.Fuzz(func(t *testing.T, n byte, b []byte) {
		all := modes()
		mode := all[int(n)%len(all)]
		iv, k, m, err := packet.Sizes(mode.Ciphers[0], mode.MACs[0])
		if err != nil {
			t.Fatal(err)
		}
		c, finish := onTape(t, b, true)
		if c.in.open, err = packet.NewOpener(mode.Ciphers[0], mode.MACs[0], packet.Keys{IV: make([]byte, iv), Key: append(make([]byte, k-1), 1), MAC: make([]byte, m)}); err != nil {
			t.Fatal(err)
		}
		deliver(t, c)
		finish()
	})
}

// FuzzImport is the state of a connection that another process hands over.
func FuzzImport(f *testing.F) {
	for _, cipher := range []string{"aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr"} {
		a := Algorithms{Ciphers: []string{cipher}}
		cfg := &Config{Algorithms: a, Exportable: true, HostKeys: hostKeys()[:1]}
		c, s := connect(f, &Config{Algorithms: a}, cfg)
		if err := c.Send(message(5)); err != nil {
			f.Fatal(err)
		}
		state, err := s.Export()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(state)
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		before := slab.Out()
		var started sync.WaitGroup
		cfg := &Config{HostKeys: hostKeys()[:1], Exportable: true, Go: func(f func()) { started.Go(f) }}
		c, err := Import(tapeConn{strings.NewReader("rest")}, state, cfg)
		if err == nil {
			deliver(t, c)
			c.Close()
		}
		started.Wait()
		if n := slab.Out() - before; n != 0 {
			t.Errorf("%d slabs are still out", n)
		}
	})
}
