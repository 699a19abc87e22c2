package netx

import (
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// A borrowed descriptor is given back with nothing taken: a read that waits ends,
// and what comes later is for others; with a pipe, which can be opened again, and
// with a socket, which can't.
func TestBorrow(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, ends := range map[string][2]*os.File{"pipe": {r, w}, "socket": {os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")}} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := ends[0], ends[1]
			defer ours.Close()
			defer theirs.Close()
			in := Borrow(ours)
			theirs.WriteString("abc")
			b := make([]byte, 2)
			for _, want := range []string{"ab", "c"} {
				if n, err := in.Read(b); string(b[:n]) != want || err != nil {
					t.Fatalf("%q, %v; want %q", b[:n], err, want)
				}
			}
			ended := make(chan error)
			go func() { _, err := in.Read(b); ended <- err }()
			in.Close()
			theirs.WriteString("d")
			if err := <-ended; err == nil {
				t.Error("a read after the end")
			}
			theirs.Close()
			if rest, err := io.ReadAll(ours); err != nil || string(rest) != "d" {
				t.Errorf("what came later is %q, %v", rest, err)
			}
		})
	}
}

// An inherited pipe is written to through a description of its own.
func TestReopen(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	own := Reopen(w)
	if own == nil {
		t.Fatal("a pipe can't be opened again")
	}
	w.Close()
	own.WriteString("text")
	own.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
	if f, err := os.Open(os.DevNull); err != nil || Reopen(f) == nil {
		t.Errorf("the null device can't be opened again (%v)", err)
	}
}
