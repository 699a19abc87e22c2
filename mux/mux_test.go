package mux

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

var hostKey = sync.OnceValue(func() key.Signer {
	k, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		panic(err)
	}
	return k
})

func trust(context.Context, key.Public) error { return nil }

// pair returns two running muxes connected over loopback.
func pair(t testing.TB, cc, sc Config) (client, server *Mux) {
	t.Helper()
	return pairWith(t, cc, sc, &transport.Config{}, &transport.Config{})
}

func pairWith(t testing.TB, cc, sc Config, tc, ts *transport.Config) (client, server *Mux) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	tc.VerifyHostKey = trust
	ts.HostKeys = []key.Signer{hostKey()}
	type result struct {
		conn *transport.Conn
		err  error
	}
	got := make(chan result, 1)
	go func() {
		conn, err := transport.Server(t.Context(), b, ts)
		got <- result{conn, err}
	}()
	conn, err := transport.Client(t.Context(), a, tc)
	other := <-got
	if err != nil || other.err != nil {
		t.Fatal(err, other.err)
	}
	conn.AuthSucceeded()
	other.conn.AuthSucceeded()
	client, server = New(conn, cc), New(other.conn, sc)
	go client.Run()
	go server.Run()
	t.Cleanup(func() {
		client.Close()
		server.Close()
		<-client.Done()
		<-server.Done()
	})
	return client, server
}

// accepting is a server that gives every channel to handle.
func accepting(handle func(*Channel)) Config {
	return Config{Open: func(in *Incoming) {
		ch, err := in.Accept(nil, Options{})
		if err == nil {
			handle(ch)
		}
	}}
}

func openChannel(t testing.TB, m *Mux, opts Options) *Channel {
	t.Helper()
	ch, err := m.OpenChannel(t.Context(), "session", nil, opts)
	if err != nil {
		t.Fatal(err)
	}
	return ch
}

// An echoing channel returns what is sent to it, through every pair of reading
// and writing that there is.
func TestEcho(t *testing.T) {
	echoes := map[string]func(*Channel){
		"read and write": func(ch *Channel) { io.Copy(struct{ io.Writer }{ch}, struct{ io.Reader }{ch}) },
		"read from":      func(ch *Channel) { ch.ReadFrom(struct{ io.Reader }{ch}) },
		"write to":       func(ch *Channel) { ch.WriteTo(struct{ io.Writer }{ch}) },
	}
	for name, echo := range echoes {
		t.Run(name, func(t *testing.T) {
			client, _ := pair(t, Config{}, accepting(func(ch *Channel) {
				echo(ch)
				ch.CloseWrite()
				ch.Close()
			}))
			ch := openChannel(t, client, Options{})
			const size = 20 << 20
			sent, got := sha256.New(), sha256.New()
			var sender sync.WaitGroup
			sender.Go(func() {
				if _, err := ch.ReadFrom(io.TeeReader(io.LimitReader(rand.Reader, size), sent)); err != nil {
					t.Errorf("sending: %v", err)
				}
				ch.CloseWrite()
			})
			n, err := io.Copy(got, struct{ io.Reader }{ch})
			sender.Wait()
			if err != nil || n != size || !same(sent, got) {
				t.Fatalf("%d bytes came back of %d: %v", n, size, err)
			}
			<-ch.Done()
		})
	}
}

func same(a, b hash.Hash) bool { return bytes.Equal(a.Sum(nil), b.Sum(nil)) }

// Data pushed to a pipe that nobody reads waits, and the sender with it.
func TestSlowSink(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	finished := make(chan error, 1)
	client, _ := pair(t, Config{}, accepting(func(ch *Channel) {
		_, err := ch.WriteTo(w)
		w.Close()
		finished <- err
		ch.Close()
	}))
	ch := openChannel(t, client, Options{})
	const size = 30 << 20
	sent := sha256.New()
	written := make(chan error, 1)
	go func() {
		_, err := ch.ReadFrom(io.TeeReader(io.LimitReader(rand.Reader, size), sent))
		ch.CloseWrite()
		written <- err
	}()
	select {
	case err := <-written:
		t.Fatalf("30 MiB were swallowed with nobody reading: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	got := sha256.New()
	n, err := io.Copy(got, r)
	if err := errors.Join(err, <-finished, <-written); err != nil {
		t.Fatal(err)
	}
	if n != size || !same(sent, got) {
		t.Fatalf("%d bytes of %d", n, size)
	}
}

// When the reader of a sink goes away, the peer is told and stops writing.
func TestBrokenSink(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	client, _ := pair(t, Config{}, accepting(func(ch *Channel) {
		r.Close()
		ch.WriteTo(w)
	}))
	ch := openChannel(t, client, Options{})
	buf := make([]byte, 64<<10)
	for total := 0; ; total += len(buf) {
		if _, err := ch.Write(buf); err != nil {
			if !errors.Is(err, ErrStopped) {
				t.Fatalf("writing ended with %v", err)
			}
			return
		}
		if total > 1<<30 {
			t.Fatal("the peer never stopped")
		}
	}
}

// discard is a Sink that counts.
type discard struct {
	n    int
	want int
	done chan struct{}
}

func (d *discard) TryWrite(b []byte) (int, error) { return d.Write(b) }
func (d *discard) Write(b []byte) (int, error) {
	if d.n += len(b); d.n == d.want {
		close(d.done)
	}
	return len(b), nil
}

// Data in quantity allocates nothing a message, on either side.
func TestNoAllocationsPerMessage(t *testing.T) {
	const size = 256 << 20
	sink := &discard{want: size, done: make(chan struct{})}
	client, _ := pair(t, Config{}, accepting(func(ch *Channel) { ch.SetSink(sink) }))
	ch := openChannel(t, client, Options{})
	chunk := make([]byte, 32<<10)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range size / len(chunk) {
		if _, err := ch.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	<-sink.done
	runtime.ReadMemStats(&after)
	if n := after.Mallocs - before.Mallocs; n > allowedAllocs {
		t.Fatalf("%d allocations for %d messages", n, size/len(chunk))
	}
}

func TestStderrIsApart(t *testing.T) {
	client, _ := pair(t, Config{}, accepting(func(ch *Channel) {
		io.WriteString(ch, "out")
		io.WriteString(ch.Stderr(), "err")
		ch.CloseWrite()
		ch.Close()
	}))
	ch := openChannel(t, client, Options{})
	out, err := io.ReadAll(ch)
	if err != nil || string(out) != "out" {
		t.Fatalf("%q, %v", out, err)
	}
	if out, err = io.ReadAll(ch.Stderr()); err != nil || string(out) != "err" {
		t.Fatalf("%q, %v", out, err)
	}
}

// Requests are answered in order, and the channel's end comes behind them.
func TestRequests(t *testing.T) {
	var seen []string
	ended := make(chan struct{})
	client, _ := pair(t, Config{}, Config{Open: func(in *Incoming) {
		ch, err := in.Accept(nil, Options{Requests: func(r *Request) {
			seen = append(seen, r.Name)
			r.Reply(string(r.Payload) == "yes")
		}})
		if err != nil {
			return
		}
		<-ch.Done()
		close(ended)
	}})
	ch := openChannel(t, client, Options{})
	var waits []func(context.Context) (bool, error)
	for _, answer := range []string{"yes", "no", "yes"} {
		wait, err := ch.Ask("ask-"+answer, true, []byte(answer))
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, wait)
	}
	for i, wait := range waits {
		if ok, err := wait(t.Context()); err != nil || ok != (i != 1) {
			t.Fatalf("answer %d: %v, %v", i, ok, err)
		}
	}
	ch.Request(t.Context(), "last", false, nil)
	ch.Close()
	<-ended
	if len(seen) != 4 || seen[3] != "last" {
		t.Fatalf("seen %q", seen)
	}
}

func TestGlobalRequests(t *testing.T) {
	client, _ := pair(t, Config{}, Config{Global: func(r *GlobalRequest) {
		r.Reply(r.Name == "good", append([]byte("re "), r.Payload...))
	}})
	ok, reply, err := client.Request(t.Context(), "good", true, []byte("x"))
	if err != nil || !ok || string(reply) != "re x" {
		t.Fatalf("%v %q %v", ok, reply, err)
	}
	if ok, _, err = client.Request(t.Context(), "bad", true, nil); err != nil || ok {
		t.Fatalf("%v %v", ok, err)
	}
}

// What a client promised before it asked for a channel is known with it, however
// quickly the one follows the other.
func TestNoMoreSessionsComesFirst(t *testing.T) {
	promised := make(chan bool, 1)
	client, _ := pair(t, Config{}, Config{Open: func(in *Incoming) {
		promised <- in.NoMoreSessions
		in.Reject(wire.OpenProhibited, "no")
	}})
	for i := range 20 {
		if i == 1 {
			client.Request(t.Context(), noMoreSessions, false, nil)
		}
		client.OpenChannel(t.Context(), "session", nil, Options{})
		if got := <-promised; got != (i > 0) {
			t.Fatalf("channel %d: promised is %v", i, got)
		}
	}
}

func TestRejected(t *testing.T) {
	client, _ := pair(t, Config{}, Config{Open: func(in *Incoming) { in.Reject(wire.OpenConnectFailed, "no such host") }})
	_, err := client.OpenChannel(t.Context(), "direct-tcpip", nil, Options{})
	var refused *OpenError
	if !errors.As(err, &refused) || refused.Reason != wire.OpenConnectFailed {
		t.Fatal(err)
	}
}

func TestMaxChannels(t *testing.T) {
	done := make(chan struct{})
	cfg := accepting(func(ch *Channel) { <-done; ch.Close() })
	cfg.MaxChannels = 3
	client, server := pair(t, Config{}, cfg)
	var last *Channel
	for range 3 {
		last = openChannel(t, client, Options{})
	}
	_, err := client.OpenChannel(t.Context(), "session", nil, Options{})
	var refused *OpenError
	if !errors.As(err, &refused) || refused.Reason != wire.OpenResourceShortage {
		t.Fatal(err)
	}
	close(done)
	<-last.Done()
	last.Close()
	_ = server
	// A closed channel's place is free again, as soon as both closes have passed.
	for {
		ch, err := client.OpenChannel(t.Context(), "session", nil, Options{})
		if err == nil {
			ch.Close()
			return
		}
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
	}
}

// Many channels move data at once, each whole, while both sides rekey.
func TestManyChannels(t *testing.T) {
	client, server := pairWith(t, Config{}, accepting(func(ch *Channel) {
		ch.ReadFrom(struct{ io.Reader }{ch})
		ch.CloseWrite()
		ch.Close()
	}), &transport.Config{RekeyBytes: 8 << 20}, &transport.Config{RekeyInterval: 10 * time.Millisecond})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			ch := openChannel(t, client, Options{})
			sent, got := sha256.New(), sha256.New()
			var sender sync.WaitGroup
			sender.Go(func() {
				ch.ReadFrom(io.TeeReader(io.LimitReader(rand.Reader, 3<<20), sent))
				ch.CloseWrite()
			})
			n, err := io.Copy(got, struct{ io.Reader }{ch})
			sender.Wait()
			if err != nil || n != 3<<20 || !same(sent, got) {
				t.Errorf("%d bytes: %v", n, err)
			}
		})
	}
	wg.Wait()
	_ = server
}

// The same with windows and packets of one byte: every write waits for credit.
func TestTightBounds(t *testing.T) {
	was := bounds
	defer func() { bounds = was }()
	bounds.bulk, bounds.chunk = 1, 1
	var wg sync.WaitGroup
	client, _ := pair(t, Config{}, accepting(func(ch *Channel) {
		defer wg.Done()
		ch.WriteTo(struct{ io.Writer }{ch})
		ch.CloseWrite()
		ch.Close()
	}))
	for range 4 {
		wg.Add(1)
		wg.Go(func() {
			ch := openChannel(t, client, Options{})
			want := bytes.Repeat([]byte("pearl"), 400)
			wg.Go(func() {
				ch.ReadFrom(bytes.NewReader(want))
				ch.CloseWrite()
			})
			if got, err := io.ReadAll(struct{ io.Reader }{ch}); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d bytes: %v", len(got), err)
			}
		})
	}
	wg.Wait()
}

// An idle stream keeps no credit from the other: here the whole window is one
// packet, as Dropbear's is.
func TestIdleStderrTakesNoWindow(t *testing.T) {
	was := bounds
	defer func() { bounds = was }()
	bounds.bulk = 24576
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var wg sync.WaitGroup
	wg.Add(1)
	client, _ := pair(t, Config{}, accepting(func(ch *Channel) {
		defer wg.Done()
		wg.Go(func() { ch.Stderr().ReadFrom(r) })
		ch.ReadFrom(io.LimitReader(rand.Reader, 1<<20))
		ch.CloseWrite()
	}))
	ch := openChannel(t, client, Options{})
	n, err := io.Copy(io.Discard, struct{ io.Reader }{ch})
	if err != nil || n != 1<<20 {
		t.Fatalf("%d bytes: %v", n, err)
	}
	w.Close()
	wg.Wait() // before the bounds are what they were
}

// The end of the connection ends everything that waits for it.
func TestConnectionLost(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	client, server := pair(t, Config{}, Config{Open: func(in *Incoming) {
		in.Accept(nil, Options{Requests: func(*Request) { <-hang }})
	}})
	ch := openChannel(t, client, Options{})
	ended := make(chan error, 3)
	go func() { _, err := ch.Read(make([]byte, 1)); ended <- err }()
	go func() {
		var err error
		for err == nil {
			_, err = ch.Write(make([]byte, 1<<20))
		}
		ended <- err
	}()
	go func() { _, err := ch.Request(context.Background(), "x", true, nil); ended <- err }()
	server.conn.NetConn().Close()
	for range 3 {
		if err := <-ended; err == nil || errors.Is(err, io.EOF) {
			t.Errorf("ended with %v", err)
		}
	}
	<-ch.Done()
}

func TestKeepAlive(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, _ := pair(t, Config{KeepAlive: 20 * time.Millisecond, KeepAliveMax: 2}, Config{})
	select {
	case <-client.Done():
		t.Fatalf("a living peer was given up: %v", client.Err())
	case <-time.After(300 * time.Millisecond):
	}
}

// A keystroke overtakes bulk that waits on the same connection.
func TestKeystrokesGoFirst(t *testing.T) {
	arrived := make(chan string, 2)
	client, _ := pair(t, Config{}, Config{Open: func(in *Incoming) {
		ch, err := in.Accept(nil, Options{})
		if err != nil {
			return
		}
		if in.Type == "bulk" {
			io.Copy(io.Discard, ch)
			arrived <- "bulk"
			return
		}
		b := make([]byte, 1)
		for {
			if _, err := ch.Read(b); err != nil {
				return
			}
			ch.Write(b)
		}
	}})
	bulk, err := client.OpenChannel(t.Context(), "bulk", nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	keys := openChannel(t, client, Options{Interactive: true})
	go func() {
		for range 64 {
			bulk.Write(make([]byte, 1<<20))
		}
		bulk.CloseWrite()
	}()
	b := []byte{0}
	worst := time.Duration(0)
	for range 100 {
		start := time.Now()
		if _, err := keys.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(keys, b); err != nil {
			t.Fatal(err)
		}
		worst = max(worst, time.Since(start))
	}
	if worst > 5*time.Second {
		t.Fatalf("a keystroke took %v", worst)
	}
	<-arrived
}

// A peer that a full window would slow down has a part of it filled, as long as
// the path is short; then all of it. Beside a terminal it is a smaller part, which
// is too small for this peer: it gives back half a MiB at a time, and isn't waited
// for.
func TestNearFlight(t *testing.T) {
	for _, beside := range []bool{false, true} {
		t.Run(fmt.Sprintf("beside a terminal %v", beside), func(t *testing.T) { testNearFlight(t, beside) })
	}
}

func testNearFlight(t *testing.T, beside bool) {
	defer func(near uint32) { bounds.near = near }(bounds.near)
	bounds.near = bounds.bulk // as OpenSSH, the peer gives back what it has consumed
	opened := make(chan *Channel, 1)
	client, _ := pairWith(t, Config{}, accepting(func(ch *Channel) { opened <- ch }), &transport.Config{}, &transport.Config{Version: "OpenSSH_9.9"})
	ch := openChannel(t, client, Options{})
	far := <-opened
	near := int(client.conn.Quirks().NearFlight)
	if beside {
		openChannel(t, client, Options{}).SetInteractive()
		<-opened
		client.conn.Measured(time.Microsecond)
		near = int(2 * bounds.beside)
	}
	data := make([]byte, 4*near)
	ended := make(chan error, 1)
	go func() {
		_, err := ch.Write(data)
		ended <- errors.Join(err, ch.CloseWrite())
	}()
	underWay := 0
	waiting := func() bool { // for the peer to read
		ch.mu.Lock()
		defer ch.mu.Unlock()
		underWay = int(bounds.bulk - ch.credit)
		return ch.usable() == 0 && ch.writers == 0
	}
	for deadline := time.Now().Add(10 * time.Second); !waiting(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the writer goes on")
		}
	}
	if underWay != near {
		t.Errorf("%d bytes are under way, want %d", underWay, near)
	}
	if got, err := io.ReadAll(far); err != nil || len(got) != len(data) {
		t.Errorf("%d bytes came, %v; want %d", len(got), err, len(data))
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// A datagram for which there is room in the peer's window, and not in what is used
// of it, waits no longer than the peer may take to give something back.
func TestDatagramEases(t *testing.T) {
	client, _ := pairWith(t, Config{}, accepting(func(ch *Channel) { <-ch.Done() }), &transport.Config{}, &transport.Config{Version: "OpenSSH_9.9"})
	ch := openChannel(t, client, Options{})
	ch.mu.Lock()
	ch.credit = ch.spared() + 10
	ch.mu.Unlock()
	if sent, err := ch.WriteWhole(make([]byte, 100)); !sent || err != nil {
		t.Fatalf("%v, %v", sent, err)
	}
}

// A window that was opened before the path was known to be short becomes a
// smaller one, once what the peer has of it is used up.
func TestWindowFits(t *testing.T) {
	w := window{size: bounds.bulk, left: bounds.bulk} // and never grows
	near := func() path { return path{rtt: nearPath} }
	for range 2 * bounds.bulk / bounds.near {
		if n := int(min(w.left, bounds.near/2)); n > 0 {
			w.take(n)
			w.consume(n, near)
		}
	}
	if w.size != bounds.near || w.left != bounds.near || w.over != 0 {
		t.Fatalf("window of %d, %d left, %d over; want %d", w.size, w.left, w.over, bounds.near)
	}
}

// The round trip is known when data begins to flow.
func TestRoundTripMeasuredFirst(t *testing.T) {
	client, server := pairWith(t, Config{}, accepting(func(*Channel) {}), &transport.Config{}, &transport.Config{})
	for range 2 {
		openChannel(t, client, Options{})
	}
	for deadline := time.Now().Add(10 * time.Second); client.conn.RTT() == 0 || server.conn.RTT() == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("client %v, server %v", client.conn.RTT(), server.conn.RTT())
		}
	}
}

// Less of bulk is under way beside a terminal, where the peer is nearby: what is
// typed waits behind it.
func TestWindowBesideTerminal(t *testing.T) {
	client, _ := pairWith(t, Config{}, accepting(func(ch *Channel) { <-ch.Done() }), &transport.Config{}, &transport.Config{})
	window := func() uint32 {
		ch := openChannel(t, client, Options{})
		defer ch.Close()
		ch.mu.Lock()
		defer ch.mu.Unlock()
		return ch.window.size
	}
	for deadline := time.Now().Add(10 * time.Second); !client.near(); runtime.Gosched() {
		window()
		if time.Now().After(deadline) {
			t.Fatalf("a round trip of %v in memory", client.conn.RTT())
		}
	}
	client.conn.Measured(time.Microsecond) // on a busy machine, memory is slow
	alone := window()
	terminal := openChannel(t, client, Options{})
	terminal.SetInteractive()
	beside := window()
	terminal.Close()
	<-terminal.Done()
	if after := window(); alone != bounds.near || beside != bounds.beside || after != alone {
		t.Errorf("windows of %d alone, %d beside a terminal, %d after it", alone, beside, after)
	}
}

// A window that has grown becomes small once somebody types beside it, and may
// grow again afterwards.
func TestWindowShrinksBesideTerminal(t *testing.T) {
	w := newWindow(bounds.bulk, 8<<20, path{})
	p := path{rtt: nearPath}
	fill := func(until uint32) {
		t.Helper()
		for range 1000 {
			if w.size == until && w.over == 0 && w.left == w.size {
				return
			}
			if n := int(min(w.left, w.size)); n > 0 {
				w.take(n)
				w.consume(n, func() path { return p })
			}
		}
		t.Fatalf("window of %d, %d left, %d over; want %d", w.size, w.left, w.over, until)
	}
	fill(8 << 20)
	p.beside = true
	fill(besideRate / 500) // two milliseconds
	p.rtt = nearPath / 100
	fill(bounds.beside)
	p.rtt = 10 * nearPath // on a long path what is typed is worth less than the path
	fill(8 << 20)
	if used := grown.Load(); w.extra == 0 || used < w.extra {
		t.Errorf("%d of the budget used, %d by the window", used, w.extra)
	}
	w.release()
}

func TestWindowGrows(t *testing.T) {
	w := window{size: 1000, left: 1000, max: 8000}
	far := func() path { return path{rtt: time.Hour} }
	for range 40 {
		n := int(w.left)
		if !w.take(n) {
			t.Fatal("refused its own window")
		}
		w.consume(n, far)
	}
	if w.size != 8000 || w.left != 8000 {
		t.Fatalf("window of %d, %d left, want 8000", w.size, w.left)
	}
	if w.take(8001) {
		t.Fatal("took more than the window")
	}
	before := grown.Load()
	w.release()
	if before-grown.Load() != 7000 {
		t.Fatalf("gave %d back to the budget", before-grown.Load())
	}
	slow := window{size: 1000, left: 1000, max: 8000}
	for range 10 {
		slow.take(1000)
		slow.consume(1000, func() path { return path{rtt: time.Nanosecond} })
	}
	if slow.size != 1000 {
		t.Fatalf("a window that lasts many round trips grew to %d", slow.size)
	}
}
