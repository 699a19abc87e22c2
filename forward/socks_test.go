package forward

import (
	"bytes"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nacre-ssh/nacre/mux"
)

// dialogues are what clients say, with where they want to go. curl's, ncat's and
// OpenBSD nc's are as they were recorded.
var dialogues = []struct {
	name, says string
	target     string // "" for none
	err        error
}{
	{"curl socks4", "\x04\x01\x00\x50\x7f\x00\x00\x01\x00", "127.0.0.1:80", nil},
	{"curl socks4a", "\x04\x01\x00\x50\x00\x00\x00\xff\x00localhost\x00", "localhost:80", nil},
	{"curl socks5h", "\x05\x02\x00\x01\x05\x01\x00\x03\x09localhost\x00\x50", "localhost:80", nil},
	{"curl socks5", "\x05\x02\x00\x01\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50", "127.0.0.1:80", nil},
	{"nc -X 5", "\x05\x01\x00\x05\x01\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\xbb", "[2001:db8::1]:443", nil},
	{"socks4 user", "\x04\x01\x00\x16\x0a\x00\x00\x01somebody\x00", "10.0.0.1:22", nil},
	{"http", "GET / HTTP/1.1\r\n", "", errNoSocks},
	{"tls", "\x16\x03\x01\x00\x05", "", errNoSocks},
	{"socks5 with a password", "\x05\x01\x02", "", errSocksMethod},
	{"socks5 bind", "\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50", "", errSocksCommand},
	{"socks4 bind", "\x04\x02\x00\x50\x7f\x00\x00\x01\x00", "", errSocksCommand},
	{"port 0", "\x05\x01\x00\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x00", "", errSocksAddress},
	{"address type", "\x05\x01\x00\x05\x01\x00\x02\x7f\x00\x00\x01\x00\x00", "", errSocksAddress},
	{"line end in a name", "\x04\x01\x00\x50\x00\x00\x00\x01\x00a\r\nb\x00", "", errSocksAddress},
	{"four within five", "\x05\x01\x00\x04\x01\x00\x50\x7f\x00\x00\x01\x00", "", errNoSocks},
	{"unfinished", "\x05\x01\x00\x05\x01\x00\x03\x09local", "", nil},
}

// run feeds a dialogue in pieces of n bytes, as a network would.
func (s *socks) run(says []byte, n int) (target *Address, rest []byte, err error) {
	var buf []byte
	for {
		used, _, to, err := s.next(buf)
		buf = buf[used:]
		switch {
		case err != nil || to != nil:
			return to, append(buf, says...), err
		case used > 0:
			continue
		case len(says) == 0:
			return nil, buf, nil
		}
		m := min(n, len(says))
		buf, says = append(buf, says[:m]...), says[m:]
	}
}

func TestSOCKS(t *testing.T) {
	for _, test := range dialogues {
		for _, n := range []int{1, 3, 1000} {
			says := test.says
			if test.target != "" {
				says += "more"
			}
			target, rest, err := new(socks).run([]byte(says), n)
			got := ""
			if target != nil {
				got = target.String()
			}
			if got != test.target || !errors.Is(err, test.err) {
				t.Errorf("%s in pieces of %d: %q, %v; want %q, %v", test.name, n, got, err, test.target, test.err)
			}
			if target != nil && string(rest) != "more" {
				t.Errorf("%s in pieces of %d: %q is left", test.name, n, rest)
			}
		}
	}
}

func FuzzSOCKS(f *testing.F) {
	for _, d := range dialogues {
		f.Add([]byte(d.says), 1)
		f.Add([]byte(d.says), 100)
	}
	f.Fuzz(func(t *testing.T, says []byte, n int) {
		if len(says) > maxGreeting {
			says = says[:maxGreeting]
		}
		n = 1 + (n&0x7fffffff)%1000
		target, rest, err := new(socks).run(says, n)
		whole, wholeRest, wholeErr := new(socks).run(says, len(says)+1)
		switch {
		case target != nil && err != nil:
			t.Fatal("a target and an error")
		case target != nil && (target.check() != nil || target.Port == 0 || !goodHost(target.Host)):
			t.Fatalf("the target is %+v", target)
		case (target == nil) != (whole == nil) || target != nil && *target != *whole || !errors.Is(err, wholeErr):
			t.Fatalf("in pieces %v, %v; whole %v, %v", target, err, whole, wholeErr)
		case target != nil && !bytes.Equal(rest, wholeRest):
			t.Fatalf("in pieces %q is left, whole %q", rest, wholeRest)
		}
	})
}

// Who says nothing is let go in time, and so is who says it slowly.
func TestGreetingEnds(t *testing.T) {
	for name, says := range map[string]func(net.Conn){
		"silent": func(net.Conn) {},
		"slow": func(nc net.Conn) {
			for {
				if _, err := nc.Write([]byte{4}); err != nil {
					return
				}
				time.Sleep(10 * time.Second)
			}
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, b := net.Pipe()
			var client sync.WaitGroup
			client.Go(func() { says(a) })
			start := time.Now()
			_, _, _, err := greet(b, func() { b.Close() })
			if took := time.Since(start); err == nil || took > greetingTime {
				t.Errorf("%s: %v after %v", name, err, took)
			}
			a.Close()
			client.Wait()
		})
	}
	a, b := net.Pipe()
	defer b.Close()
	go func() { io.WriteString(a, "\x04\x01\x00\x01\x01\x01\x01\x01"+strings.Repeat("u", 2*maxGreeting)) }()
	if _, _, _, err := greet(b, func() { b.Close() }); !errors.Is(err, errSocksLong) {
		t.Errorf("an endless user: %v", err)
	}
}

func TestResultOf(t *testing.T) {
	for text, want := range map[string]result{
		"Connection refused": resultRefused, "Name or service not known": resultHost, "No route to host": resultHost,
		"Network is unreachable": resultNetwork, "Connection timed out": resultTimeout, "something else": resultFailure,
	} {
		if got := resultOf(&mux.OpenError{Reason: 2, Text: text}); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
	if got := resultOf(&mux.OpenError{Reason: 1, Text: "Connection refused"}); got != resultProhibited {
		t.Errorf("a prohibition is %d", got)
	}
}
