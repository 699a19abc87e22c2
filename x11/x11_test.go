package x11

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/wire"
)

func TestParseDisplay(t *testing.T) {
	for name, want := range map[string]Display{
		":0":                          {},
		":10.1":                       {Number: 10, Screen: 1},
		"unix:3":                      {Number: 3},
		"localhost:10.0":              {Host: "localhost", Number: 10},
		"[::1]:2":                     {Host: "::1", Number: 2},
		"far.example:0":               {Host: "far.example"},
		"/tmp/launch-x/org.xquartz:0": {Path: "/tmp/launch-x/org.xquartz:0"},
	} {
		if got, err := ParseDisplay(name); err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", name, got, err, want)
		}
	}
	for _, name := range []string{"", "0", "host", ":", ":x", ":0.", ":0.x", ":-1", ":+1", ":70000", "a;b:0", "$(x):0", strings.Repeat("a", 300) + ":0"} {
		if got, err := ParseDisplay(name); err == nil {
			t.Errorf("%q: %+v, want an error", name, got)
		}
	}
}

// lend serves a forward at a port of its own, as sshd does, and returns the
// environment of a program that comes by it with what another one lends.
func lend(t *testing.T, f, told *Forward) []string {
	t.Helper()
	var l net.Listener
	number := 100
	for ; l == nil; number++ {
		l, _ = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", basePort+number)) // the next one, where it is taken
		if number > 1000 {
			t.Fatal("no port is free")
		}
	}
	number--
	testpeer.AcceptAt(t, l, func(nc net.Conn) {
		to, err := f.Connect(context.Background(), nc)
		if err != nil {
			return
		}
		defer to.Close()
		go io.Copy(to, nc)
		io.Copy(nc, to)
	})
	r := wire.NewReader(told.AppendRequest(nil))
	r.Bool()
	name, cookie := r.String(), r.String()
	r.Uint32()
	if err := r.End(); err != nil || name != MagicCookie {
		t.Fatal(name, err)
	}
	file := filepath.Join(t.TempDir(), "lent")
	if out, err := exec.Command("xauth", "-f", file, "add", "127.0.0.1:"+strconv.Itoa(number), name, cookie).CombinedOutput(); err != nil {
		t.Fatalf("xauth: %v: %s", err, out)
	}
	return append(os.Environ(), "XAUTHORITY="+file, "DISPLAY=127.0.0.1:"+strconv.Itoa(number))
}

// info runs xdpyinfo, a real X client.
func info(t *testing.T, env []string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "xdpyinfo")
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestRealPrograms(t *testing.T) {
	name, authority := testpeer.XServer(t)
	d, err := ParseDisplay(name)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := New(t.Context(), d, Options{Authority: authority, Trusted: true})
	if err != nil {
		t.Fatal(err)
	}
	env := lend(t, trusted, trusted)
	if out, err := info(t, env); err != nil || !strings.Contains(out, "X.Org") {
		t.Fatalf("trusted: %v: %s", err, out)
	}
	// The cookie that the other side knows is not the display's, and no other
	// is let in.
	other := *trusted
	other.lent.Data = bytes.Clone(other.lent.Data)
	other.lent.Data[0] ^= 1
	env = lend(t, trusted, &other)
	if out, err := info(t, env); err == nil {
		t.Errorf("with a wrong cookie: %s", out)
	}

	apart, err := New(t.Context(), d, Options{Authority: authority, Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(apart.own.Data, trusted.own.Data) {
		t.Error("an untrusted program gets the display's own cookie")
	}
	env = lend(t, apart, apart)
	out, err := info(t, env)
	if err != nil || !strings.Contains(out, "X.Org") {
		t.Fatalf("untrusted: %v: %s", err, out)
	}
	if strings.Contains(out, "    XTEST\n") {
		t.Error("an untrusted program sees XTEST, with which it could type")
	}
	late := *apart
	late.until = time.Now().Add(-time.Second)
	env = lend(t, &late, &late)
	if out, err := info(t, env); err == nil {
		t.Errorf("after the time: %s", out)
	}
}

func TestNoCookie(t *testing.T) {
	d := Display{Number: 7}
	if _, err := New(t.Context(), d, Options{Authority: filepath.Join(t.TempDir(), "none"), Trusted: true}); !errors.Is(err, ErrNoCookie) {
		t.Errorf("%v, want ErrNoCookie", err)
	}
	file := filepath.Join(t.TempDir(), "cut")
	if err := os.WriteFile(file, []byte{1, 0, 0, 9, 'x'}, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := FindCookie(file, d); !errors.Is(err, errAuthority) {
		t.Errorf("%v, want errAuthority", err)
	}
}

// A program in either byte order gets in, with what follows its head intact.
func TestSetupRoundTrip(t *testing.T) {
	for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
		want := &setup{order: order, major: 11, minor: 6, cookie: Cookie{MagicCookie, []byte("0123456789abcdef")}}
		in := bytes.NewReader(append(want.append(nil), "rest"...))
		got, err := readSetup(in)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v, %v", order, got, err)
		}
		if rest, _ := io.ReadAll(in); string(rest) != "rest" {
			t.Errorf("%q is left, want rest", rest)
		}
	}
}

func FuzzSetup(f *testing.F) {
	s := &setup{order: binary.LittleEndian, major: 11, cookie: Cookie{MagicCookie, make([]byte, cookieSize)}}
	f.Add(s.append(nil))
	f.Add([]byte("B\x00\x00\x0b\x00\x00\xff\xff\xff\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := readSetup(bytes.NewReader(b))
		if err == nil && len(s.append(nil)) > len(b) {
			t.Errorf("%d bytes came of %d", len(s.append(nil)), len(b))
		}
	})
}

func FuzzAuthority(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x04host\x00\x010\x00\x12MIT-MAGIC-COOKIE-1\x00\x02ab"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, b []byte) {
		total := 0
		readAuthority(bytes.NewReader(b), func(e entry) bool {
			total += 10 + len(e.address) + len(e.number) + len(e.cookie.Name) + len(e.cookie.Data)
			return true
		})
		if total > len(b) {
			t.Errorf("entries of %d bytes in a file of %d", total, len(b))
		}
	})
}

// FuzzDisplay is a display that answers whatever it likes.
func FuzzDisplay(f *testing.F) {
	welcome := []byte{setupReady, 0, 11, 0, 0, 0, 0, 0}
	reply := append([]byte{1, 0, 1, 0, 0, 0, 0, 0, 1, 130}, make([]byte, 22)...)
	f.Add(append(append(welcome, reply...), reply...))
	f.Add([]byte("\x00\x04\x0b\x00\x00\x00\x01\x00nono"))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := untrusted(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(b), io.Discard}, Cookie{}, time.Minute)
		if err == nil && (len(c.Data) == 0 || len(c.Data) > maxCookie) {
			t.Errorf("a cookie of %d bytes", len(c.Data))
		}
	})
}
