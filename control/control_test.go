//go:build unix

package control

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/wire"
)

// A socket is private, comes into being once, and goes with its listener.
func TestListen(t *testing.T) {
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	l, err := Listen(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := Listen(path); !errors.Is(err, ErrExists) {
		t.Errorf("a second one: %v", err)
	}
	nc, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	l.Close()
	l.Close()
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("%v is left", list)
	}
	if _, err := Listen(filepath.Join(dir, "none", "s")); err == nil {
		t.Error("a socket in no directory")
	}
	if _, err := Listen(filepath.Join(dir, strings.Repeat("x", 108))); err == nil {
		t.Error("a path that is too long")
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "others can change") {
		t.Errorf("a directory of others: %v", err)
	}
	if err := os.Chmod(dir, 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if l, err = Listen(path); err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// peers are two ends of a control connection.
func peers(t *testing.T) (*net.UnixConn, *net.UnixConn) {
	t.Helper()
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := Listen(filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a, err := net.Dial("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close(); b.Close() })
	return a.(*net.UnixConn), b
}

// masterAnswers serves one client that says what is given, and returns what it
// heard after the hello. The master has no connection: nothing here needs one.
func masterAnswers(t *testing.T, m *Master, messages ...[]byte) [][]byte {
	t.Helper()
	ours, theirs := peers(t)
	done := make(chan struct{})
	go func() {
		m.ServeConn(context.Background(), theirs)
		close(done)
	}()
	c := link{nc: ours}
	for _, b := range messages {
		c.send(b)
	}
	ours.CloseWrite()
	var heard [][]byte
	for {
		kind, r, err := c.receive()
		if err != nil {
			break
		}
		heard = append(heard, append(message(kind), r.Rest()...))
	}
	<-done
	if len(heard) == 0 || !bytes.Equal(heard[0], hello(masterExtensions[:]...)) {
		t.Fatalf("the master says %q", heard)
	}
	return heard[1:]
}

func TestMasterMessages(t *testing.T) {
	failure := func(id uint32, reason string) []byte { return wire.AppendString(message(msgFailure, id), reason) }
	for _, test := range []struct {
		name string
		send [][]byte
		want [][]byte
	}{
		{"alive", [][]byte{hello(), message(msgAliveCheck, 7)}, [][]byte{message(msgAlive, 7, uint32(os.Getpid()))}},
		{"no hello", [][]byte{message(msgAliveCheck, 7)}, nil},
		{"another version", [][]byte{message(msgHello, 3), message(msgAliveCheck, 7)}, nil},
		{"an extension", [][]byte{hello("x", "y"), message(msgAliveCheck, 0)}, [][]byte{message(msgAlive, 0, uint32(os.Getpid()))}},
		{"a broken extension", [][]byte{append(hello(), 0, 0, 0, 9), message(msgAliveCheck, 0)}, nil},
		{"unknown", [][]byte{hello(), message(0x1234, 1), message(msgAliveCheck, 2)},
			[][]byte{failure(1, "unsupported request"), message(msgAlive, 2, uint32(os.Getpid()))}},
		{"too much", [][]byte{hello(), message(msgAliveCheck, 7, 7)}, nil},
		{"info", [][]byte{hello(), wire.AppendString(message(msgInfo, 3), "connection"), wire.AppendString(message(msgInfo, 4), "weather")},
			[][]byte{wire.AppendString(message(msgInfoReply, 3, 1), "told"), wire.AppendString(message(msgInfoReply, 4, 0), "info request type not supported")}},
		{"no descriptors", [][]byte{hello(), appendRequest(message(msgNewSession, 5), Request{Command: "x"})},
			[][]byte{failure(5, "did not receive file descriptors")}},
		{"a bad forward", [][]byte{hello(), appendForward(message(msgOpenForward, 6), forward.Local, forward.Spec{Listen: forward.Address{Port: 1}})},
			[][]byte{failure(6, "Invalid forwarding request")}},
		{"denied", [][]byte{hello(), message(msgTerminate, 8), message(msgStopListening, 9)},
			[][]byte{wire.AppendString(message(msgDenied, 8), "Permission denied"), wire.AppendString(message(msgDenied, 9), "Permission denied")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := &Master{
				Host: "h",
				Ask:  func(context.Context, string) bool { return false },
				Info: func(what string) (string, bool) { return "told", what == "connection" },
			}
			got := masterAnswers(t, m, test.send...)
			if len(got) != len(test.want) {
				t.Fatalf("%q, want %q", got, test.want)
			}
			for i := range got {
				if !bytes.Equal(got[i], test.want[i]) {
					t.Errorf("%q, want %q", got[i], test.want[i])
				}
			}
		})
	}
}

// What is written is read again.
func TestRequests(t *testing.T) {
	q := Request{TTY: true, Agent: true, Escape: '~', Term: "xterm", Command: "ls", Env: []string{"A=b", "C="}}
	r := wire.NewReader(appendRequest(nil, q))
	got, err := readRequest(&r)
	if err != nil || got.Env[1] != "C=" || got.Term != q.Term || got.TTY != q.TTY || got.X11 || !got.Agent || got.Escape != '~' {
		t.Errorf("%+v, %v", got, err)
	}
	q.Escape = -1
	r = wire.NewReader(appendRequest(nil, q))
	if got, _ = readRequest(&r); got.Escape != -1 {
		t.Errorf("%+v", got)
	}
	for _, f := range []struct {
		kind forward.Kind
		spec forward.Spec
	}{
		{forward.Local, forward.Spec{Listen: forward.Address{Port: 80}, Target: forward.Address{Host: "h", Named: true, Port: 81}}},
		{forward.Local, forward.Spec{Listen: forward.Address{Path: "/a"}, Target: forward.Address{Path: "/b"}}},
		{forward.Local, forward.Spec{Listen: forward.Address{Host: "::1", Named: true, Port: 80}, Dynamic: true}},
		{forward.Remote, forward.Spec{Listen: forward.Address{Port: 0}, Target: forward.Address{Host: "h", Named: true, Port: 81}}},
		{forward.Remote, forward.Spec{Listen: forward.Address{Port: 0}, Dynamic: true}},
	} {
		r := wire.NewReader(appendForward(nil, f.kind, f.spec))
		kind, spec, ok, err := readForward(&r)
		if err != nil || !ok || kind != f.kind || !alike(spec, f.spec) {
			t.Errorf("%+v became %v %+v %v %v", f, kind, spec, ok, err)
		}
	}
}

// A master that says what it likes.
func TestClientRefuses(t *testing.T) {
	for _, answer := range [][]byte{
		message(msgOK, 1), message(msgAlive, 0), message(msgAlive), wire.AppendString(message(msgFailure, 0), "no"), message(msgFailure, 0), nil,
	} {
		ours, theirs := peers(t)
		go func() {
			m := link{nc: theirs}
			if answer != nil {
				m.send(answer)
			}
			theirs.CloseWrite()
		}()
		c := &Conn{link: link{nc: ours}}
		if pid, err := c.Alive(); err == nil {
			t.Errorf("%q: pid %d", answer, pid)
		}
	}
}

// A borrowed descriptor is given back with nothing taken: a read that waits ends.
func TestBorrow(t *testing.T) {
	ours, theirs := peers(t) // a socket can't be opened again
	f, err := ours.File()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := borrow(f)
	theirs.Write([]byte("abc"))
	b := make([]byte, 2)
	if n, err := in.Read(b); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := in.Read(b); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	ended := make(chan error)
	go func() { _, err := in.Read(b); ended <- err }()
	in.Close()
	if err := <-ended; err == nil {
		t.Error("a read after the end")
	}
	theirs.Write([]byte("d"))
	if n, _ := f.Read(b); n != 1 || b[0] != 'd' {
		t.Error("what came later was taken")
	}
}

// A master that nobody uses any more is idle; the first client may take longer.
func TestIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, begin := new(Master), time.Now()
		go func() {
			time.Sleep(5 * time.Second)
			m.count(1)
			time.Sleep(time.Minute)
			m.count(-1)
		}()
		if err := m.Idle(t.Context(), time.Second, 10*time.Second); err != nil || time.Since(begin) != 66*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
	})
}

func FuzzMessages(f *testing.F) {
	frame := func(b []byte) []byte { return wire.AppendString(nil, string(b)) }
	f.Add(frame(hello(extensionInfo, "0")))
	f.Add(frame(appendRequest(message(msgNewSession, 1), Request{TTY: true, Term: "xterm", Command: "ls", Env: []string{"A=b"}})))
	f.Add(frame(appendForward(message(msgOpenForward, 2), forward.Remote, forward.Spec{Target: forward.Address{Host: "h", Port: 1}})))
	f.Add(frame(appendPlace(wire.AppendString(message(msgNewStdio, 3), ""), forward.Address{Path: "/s"}, "")))
	f.Add(frame(message(msgExit, 0, 3)))
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, r, err := readMessage(bytes.NewReader(b))
		if err != nil {
			return
		}
		hi, id, stdio := r, r, r
		readHello(kind, &hi)
		id.Uint32()
		again := id
		if q, err := readRequest(&id); err == nil {
			if q2, err := readRequest(ptr(wire.NewReader(appendRequest(nil, q)))); err != nil || len(q2.Env) != len(q.Env) || q2.Command != q.Command {
				t.Errorf("%+v became %+v, %v", q, q2, err)
			}
		}
		if kind, spec, ok, err := readForward(&again); ok && err == nil {
			describe(kind, spec)
			if k2, s2, _, err := readForward(ptr(wire.NewReader(appendForward(nil, kind, spec)))); err != nil || k2 != kind || !alike(spec, s2) {
				t.Errorf("%+v became %+v, %v", spec, s2, err)
			}
		}
		readPlace(&stdio)
	})
}

func ptr[T any](v T) *T { return &v }
