//go:build !race

package netx

import (
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A socket whose flags another process has changed is read and written without
// waiting all the same: a call that waits would stop everybody.
func TestSocketNeverWaits(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	var ends [2]net.Conn
	for i, fd := range fds {
		f := os.NewFile(uintptr(fd), "end")
		defer f.Close()
		if ends[i], err = net.FileConn(f); err != nil {
			t.Fatal(err)
		}
		defer ends[i].Close()
		if err := unix.SetNonblock(fd, false); err != nil { // the description is the same
			t.Fatal(err)
		}
	}
	done := make(chan string, 1)
	go func() {
		if n, err := NewSource(ends[0]).TryReadLent(&roomLender{0}); n != 0 || err != nil {
			done <- "a read of nothing"
			return
		}
		if n, err := NewSink(ends[0]).TryWrite(make([]byte, 64<<20)); n == 0 || err != nil {
			done <- "a write of much"
			return
		}
		done <- ""
	}()
	select {
	case what := <-done:
		if what != "" {
			t.Error(what)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits")
	}
}
