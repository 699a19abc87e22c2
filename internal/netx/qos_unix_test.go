//go:build unix

package netx

import (
	"net"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestSetQoS(t *testing.T) {
	for _, test := range []struct {
		address       string
		level, option int
	}{
		{"127.0.0.1:0", unix.IPPROTO_IP, unix.IP_TOS},
		{"[::1]:0", unix.IPPROTO_IPV6, unix.IPV6_TCLASS},
	} {
		l, err := net.Listen("tcp", test.address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := SetQoS(c, 0xb8); err != nil {
			t.Fatal(err)
		}
		raw, err := c.(syscall.Conn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		raw.Control(func(fd uintptr) {
			if got, err := unix.GetsockoptInt(int(fd), test.level, test.option); got != 0xb8 || err != nil {
				t.Errorf("%s: class 0x%02x, %v", test.address, got, err)
			}
		})
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	raw, err := r.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := SetRawQoS(raw, 0xb8); err != nil {
		t.Errorf("a pipe: %v", err)
	}
}
