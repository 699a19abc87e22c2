package testpeer

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// echo answers every connection with what it says, and returns its address.
func echo(t *testing.T) string {
	return fmt.Sprintf("127.0.0.1:%d", Accept(t, func(nc *net.TCPConn) { io.Copy(nc, nc) }))
}

func dialPipe(t *testing.T, target string, oneWay time.Duration) (*Pipe, *net.TCPConn) {
	p, err := NewPipe(target, oneWay)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return p, c.(*net.TCPConn)
}

func TestPipeDelaysEachWay(t *testing.T) {
	const oneWay = 30 * time.Millisecond
	p, c := dialPipe(t, echo(t), oneWay)
	var b [4]byte
	for range 3 {
		start := time.Now()
		c.Write([]byte("ping"))
		if _, err := io.ReadFull(c, b[:]); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 2*oneWay {
			t.Errorf("round trip took %v, want at least %v", took, 2*oneWay)
		}
	}
	if s := p.Stats(); s.Turns != 3 || s.Up != 12 || s.Down != 12 || s.Connections != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestPipeKeepsBytesAndHalfClose(t *testing.T) {
	const size = 64 << 20
	_, c := dialPipe(t, echo(t), 20*time.Millisecond)
	payload := NewPayload(size, 1)
	go func() {
		io.Copy(c, payload)
		c.CloseWrite()
	}()
	var got Sink
	if _, err := io.Copy(&got, c); err != nil {
		t.Fatal(err)
	}
	if got.N != size || got.Sum() != payload.Sum() {
		t.Errorf("%d bytes came back with another checksum, want %d", got.N, size)
	}
}

// The rate is bounded by the copying alone. The bound here is far below what
// a machine does (hundreds of MiB/s), so that a busy one passes; a pipe that
// waited for each chunk's delay would do 5 MiB/s.
func TestPipeDoesNotLimitTheRate(t *testing.T) {
	const size = 256 << 20
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, c := dialPipe(t, l.Addr().String(), 50*time.Millisecond)
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	start := time.Now()
	go func() {
		chunk := bytes.Repeat([]byte{1}, 1<<20)
		for range size >> 20 {
			c.Write(chunk)
		}
		c.CloseWrite()
	}()
	n, err := io.Copy(io.Discard, far)
	took := time.Since(start)
	if err != nil || n != size {
		t.Fatalf("%d bytes, %v", n, err)
	}
	rate := float64(size>>20) / took.Seconds()
	t.Logf("%.0f MiB/s", rate)
	if rate < 60 {
		t.Errorf("%.0f MiB/s", rate)
	}
}

func TestPipeCloseEndsConnections(t *testing.T) {
	p, c := dialPipe(t, echo(t), time.Millisecond)
	c.Write([]byte("x"))
	var b [1]byte
	if _, err := io.ReadFull(c, b[:]); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(b[:]); err == nil {
		t.Error("the connection outlived its pipe")
	}
}
