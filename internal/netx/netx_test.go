package netx

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/slab"
)

func pair(t *testing.T) (net.Conn, net.Conn) {
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
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// A waiting reader holds no slab, on a socket as on the way that has none.
func TestSourceHoldsNothingWhileWaiting(t *testing.T) {
	a, b := pair(t)
	before := slab.Out()
	src := NewSource(b)
	got := make(chan string)
	go func() {
		for {
			s, n, err := src.ReadSlab(slab.Small)
			if err != nil {
				got <- err.Error()
				return
			}
			got <- string(s.Bytes()[:n])
			s.Release()
		}
	}()
	for _, msg := range []string{"one", "two"} {
		io.WriteString(a, msg)
		if s := <-got; s != msg {
			t.Fatalf("read %q, want %q", s, msg)
		}
	}
	a.Close()
	if s := <-got; s != io.EOF.Error() {
		t.Fatalf("at the end: %q", s)
	}
	if n := slab.Out() - before; n != 0 {
		t.Fatalf("%d slabs still out", n)
	}
}

func TestSourceWithoutDescriptor(t *testing.T) {
	a, b := net.Pipe()
	defer b.Close()
	go func() { io.WriteString(a, "hello"); a.Close() }()
	src := NewSource(b)
	s, n, err := src.ReadSlab(slab.Small)
	if err != nil || string(s.Bytes()[:n]) != "hello" {
		t.Fatalf("%d bytes, %v", n, err)
	}
	s.Release()
	if _, _, err := src.ReadSlab(slab.Small); !errors.Is(err, io.EOF) {
		t.Fatalf("at the end: %v", err)
	}
}

// TryWrite stops where the peer stops reading; Write carries on once it reads.
func TestSinkStopsWithoutBlocking(t *testing.T) {
	a, b := pair(t)
	sink := NewSink(a)
	chunk := bytes.Repeat([]byte{7}, 1<<20)
	total := 0
	for {
		n, err := sink.TryWrite(chunk)
		if err != nil {
			t.Fatal(err)
		}
		total += n
		if n < len(chunk) {
			break
		}
		if total > 1<<30 {
			t.Fatal("a socket nobody reads took a GiB")
		}
	}
	done := make(chan error, 1)
	go func() { _, err := sink.Write(chunk); a.Close(); done <- err }()
	n, err := io.Copy(io.Discard, b)
	if err != nil || n != int64(total+len(chunk)) {
		t.Fatalf("read %d of %d: %v", n, total+len(chunk), err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// A vector of buffers, more than leave at once and some of them empty, is written
// whole to who reads slowly, and the error is told when nobody reads any more.
func TestWriteBuffers(t *testing.T) {
	a, b := pair(t)
	var bufs net.Buffers
	var want []byte
	for i := range 100 {
		part := bytes.Repeat([]byte{byte(i)}, i*i*i%70001*(i%7))
		bufs, want = append(bufs, part), append(want, part...)
	}
	sink := NewSink(a)
	done := make(chan error, 1)
	go func() { done <- sink.WriteBuffers(&bufs) }()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(b, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("other bytes came, or %v", err)
	}
	if err := <-done; err != nil || len(bufs) != 0 {
		t.Fatalf("%v, %d buffers left", err, len(bufs))
	}
	b.Close()
	for range 1000 {
		bufs = net.Buffers{want}
		if err := sink.WriteBuffers(&bufs); err != nil {
			return
		}
	}
	t.Fatal("nobody reads, and all is written")
}

// A deadline ends a write that waits.
func TestWriteBuffersDeadline(t *testing.T) {
	a, _ := pair(t)
	a.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	bufs := net.Buffers{make([]byte, 64<<20)}
	if err := NewSink(a).WriteBuffers(&bufs); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%v", err)
	}
}
