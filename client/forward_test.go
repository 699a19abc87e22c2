package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/server"
)

// everything lets clients forward what they like.
var everything = server.Forwarding{OpenTCP: true, OpenSockets: true, ListenTCP: true, ListenSockets: true}

// newForwards are the forwards of a client of a stage that forwards so, with
// the permit of its user.
func newForwards(t *testing.T, allowed server.Forwarding, permit *auth.Permit, o forward.Options) *forward.Forwards {
	t.Helper()
	s := newStage(t)
	cfg := server.Config{HostKeys: []key.Signer{s.host}, Policy: permitting{s, permit}, Handler: s, Forwarding: allowed}
	if err := s.Reconfigure(cfg); err != nil {
		t.Fatal(err)
	}
	s.listen(t)
	f := s.dial(t, s.config()).Forwards(o)
	t.Cleanup(f.Close)
	return f
}

// permitting is the stage's policy with a permit.
type permitting struct {
	*stage
	permit *auth.Permit
}

func (p permitting) Begin(ctx context.Context, user string) auth.Account {
	return permitted{p.stage.Begin(ctx, user), p.permit}
}

type permitted struct {
	auth.Account
	permit *auth.Permit
}

func (p permitted) PublicKey(ctx context.Context, k key.Public, algorithm string) (*auth.Permit, error) {
	if permit, err := p.Account.PublicKey(ctx, k, algorithm); permit == nil {
		return nil, err
	}
	return p.permit, nil
}

// serving accepts connections and has each served until the test ends.
func serving(t *testing.T, l net.Listener, serve func(net.Conn)) net.Listener {
	t.Helper()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { serve(nc) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	return l
}

func listening(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// digest answers with the sum of what it reads, once that has ended.
func digest(nc net.Conn) {
	defer nc.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, nc)
	fmt.Fprintf(nc, "%d %x %v", n, sum.Sum(nil), err)
}

// sums sends size bytes, ends its direction, and expects their sum.
func sums(nc net.Conn, size int64) error {
	defer nc.Close()
	sum := sha256.New()
	if _, err := io.Copy(nc, io.TeeReader(io.LimitReader(rand.Reader, size), sum)); err != nil {
		return err
	}
	if err := nc.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(nc)
	if want := fmt.Sprintf("%d %x <nil>", size, sum.Sum(nil)); err != nil || string(answer) != want {
		return fmt.Errorf("the answer is %q, %v; want %q", answer, err, want)
	}
	return nil
}

func tcp(port int) forward.Address {
	return forward.Address{Host: "127.0.0.1", Named: true, Port: port}
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }

func dialed(t *testing.T, a forward.Address) net.Conn {
	t.Helper()
	network, address := "tcp", a.String()
	if a.Path != "" {
		network = "unix"
	}
	nc, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// free is a port that nobody listens on.
func free(t *testing.T) int {
	t.Helper()
	l := listening(t, "tcp", "127.0.0.1:0")
	defer l.Close()
	return portOf(l)
}

// Every kind of end meets every other, in both directions; each direction ends
// by itself, and nothing is lost.
func TestForwardCombinations(t *testing.T) {
	f := newForwards(t, everything, &auth.Permit{}, forward.Options{})
	targets := map[string]forward.Address{"tcp": {}, "socket": {Path: filepath.Join(t.TempDir(), "target")}}
	targets["tcp"] = tcp(portOf(serving(t, listening(t, "tcp", "127.0.0.1:0"), digest)))
	serving(t, listening(t, "unix", targets["socket"].Path), digest)
	for from := range targets {
		for to, target := range targets {
			for _, remote := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s to %s remote %v", from, to, remote), func(t *testing.T) {
					at := tcp(free(t))
					if from == "socket" {
						at = forward.Address{Path: filepath.Join(t.TempDir(), "listen")}
					}
					spec := forward.Spec{Listen: at, Target: target}
					var err error
					if remote {
						_, err = f.Remote(t.Context(), spec)
					} else {
						err = f.Local(t.Context(), spec)
					}
					if err != nil {
						t.Fatal(err)
					}
					if err := sums(dialed(t, at), 3<<20); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	if n := len(f.List()); n != 8 {
		t.Errorf("%d forwards stand", n)
	}
}

// Many connections at once, and much in one.
func TestForwardLoad(t *testing.T) {
	f := newForwards(t, everything, &auth.Permit{}, forward.Options{})
	target := tcp(portOf(serving(t, listening(t, "tcp", "127.0.0.1:0"), digest)))
	local := tcp(free(t))
	if err := f.Local(t.Context(), forward.Spec{Listen: local, Target: target}); err != nil {
		t.Fatal(err)
	}
	port, err := f.Remote(t.Context(), forward.Spec{Listen: tcp(0), Target: target})
	if err != nil || port == 0 {
		t.Fatal(port, err)
	}
	for _, at := range []forward.Address{local, tcp(port)} {
		if err := sums(dialed(t, at), 16<<20); err != nil {
			t.Error(err)
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if err := sums(dialed(t, at), 50<<10); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
}

// The end of either direction leaves the other alone; a reset ends both.
func TestForwardHalfClose(t *testing.T) {
	f := newForwards(t, everything, &auth.Permit{}, forward.Options{})
	far := make(chan net.Conn, 1)
	target := tcp(portOf(serving(t, listening(t, "tcp", "127.0.0.1:0"), func(nc net.Conn) { far <- nc })))
	at := tcp(free(t))
	if err := f.Local(t.Context(), forward.Spec{Listen: at, Target: target}); err != nil {
		t.Fatal(err)
	}
	meet := func() (near, there *net.TCPConn) {
		near = dialed(t, at).(*net.TCPConn)
		there = (<-far).(*net.TCPConn)
		t.Cleanup(func() { near.Close(); there.Close() })
		return near, there
	}
	says := func(from, to net.Conn, text string) {
		t.Helper()
		io.WriteString(from, text)
		b := make([]byte, len(text))
		if _, err := io.ReadFull(to, b); err != nil || string(b) != text {
			t.Errorf("%q, %v; want %q", b, err, text)
		}
	}
	ended := func(nc net.Conn) {
		t.Helper()
		if n, err := nc.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("still %d bytes, %v", n, err)
		}
	}
	for _, first := range []string{"near", "far"} {
		near, there := meet()
		a, b := near, there
		if first == "far" {
			a, b = there, near
		}
		says(a, b, "first words")
		a.CloseWrite()
		ended(b)
		says(b, a, "and an answer")
		b.CloseWrite()
		ended(a)
	}
	near, there := meet()
	says(near, there, "x")
	near.SetLinger(0)
	near.Close()
	ended(there)
}

// What can't be reached, or is not permitted, ends the connection that wanted
// it.
func TestForwardRefusals(t *testing.T) {
	target := portOf(serving(t, listening(t, "tcp", "127.0.0.1:0"), digest))
	other := portOf(serving(t, listening(t, "tcp", "127.0.0.1:0"), digest))
	only := fmt.Sprintf("127.0.0.1:%d", target)
	for name, test := range map[string]struct {
		allowed server.Forwarding
		permit  *auth.Permit
		opens   [2]bool // target, other
		listens bool
	}{
		"everything":    {everything, &auth.Permit{}, [2]bool{true, true}, true},
		"nothing":       {server.Forwarding{}, &auth.Permit{}, [2]bool{}, false},
		"the key's no":  {everything, &auth.Permit{NoPortForward: true}, [2]bool{}, false},
		"the key's":     {everything, &auth.Permit{PermitOpen: [][]string{{only}}, PermitListen: [][]string{{"127.0.0.1:1"}}}, [2]bool{true, false}, false},
		"two keys":      {everything, &auth.Permit{PermitOpen: [][]string{{only}, {"x:1"}}}, [2]bool{}, true},
		"no entries":    {everything, &auth.Permit{PermitOpen: [][]string{nil}}, [2]bool{}, true},
		"the server's":  {server.Forwarding{OpenTCP: true, PermitOpen: []string{only}}, &auth.Permit{}, [2]bool{true, false}, false},
		"none":          {server.Forwarding{OpenTCP: true, ListenTCP: true, PermitOpen: []string{}, PermitListen: []string{}}, &auth.Permit{}, [2]bool{}, false},
		"any listening": {server.Forwarding{ListenTCP: true, PermitListen: []string{"*:*"}}, &auth.Permit{}, [2]bool{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newForwards(t, test.allowed, test.permit, forward.Options{})
			for i, port := range []int{target, other} {
				ch, err := f.Stdio(t.Context(), tcp(port))
				if (err == nil) != test.opens[i] {
					t.Errorf("open %d: %v", i, err)
				}
				if err == nil {
					ch.Close()
				} else if refused := new(mux.OpenError); !errors.As(err, &refused) || refused.Reason != 1 {
					t.Errorf("open %d: %v", i, err)
				}
			}
			for _, listen := range []forward.Address{tcp(0), {Path: filepath.Join(t.TempDir(), "s")}} {
				if listen.Path != "" && !test.allowed.ListenSockets {
					continue
				}
				_, err := f.Remote(t.Context(), forward.Spec{Listen: listen, Target: tcp(target)})
				if want := test.listens || listen.Path != "" && !test.permit.NoPortForward; (err == nil) != want || err != nil && !errors.Is(err, forward.ErrRefused) {
					t.Errorf("listen at %v: %v", listen, err)
				}
			}
		})
	}
}

// Forwards come and go while the connection lives.
func TestForwardsCancelled(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	f := newForwards(t, everything, &auth.Permit{}, forward.Options{})
	target := tcp(portOf(serving(t, listening(t, "tcp", "127.0.0.1:0"), digest)))
	at := tcp(free(t))
	unnamed := forward.Address{Port: free(t)}
	for _, listen := range []forward.Address{at, {Path: socket}} {
		if err := f.Local(t.Context(), forward.Spec{Listen: listen, Target: target}); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Local(t.Context(), forward.Spec{Listen: unnamed, Dynamic: true}); err != nil {
		t.Fatal(err)
	}
	if err := f.Local(t.Context(), forward.Spec{Listen: at, Target: target}); !errors.Is(err, forward.ErrListen) {
		t.Errorf("twice the same: %v", err)
	}
	port, err := f.Remote(t.Context(), forward.Spec{Listen: forward.Address{}, Target: target})
	if err != nil {
		t.Fatal(err)
	}
	if list := f.List(); len(list) != 4 || list[3].Kind != forward.Remote || list[3].Port != port {
		t.Errorf("the list is %+v", list)
	}
	if info, err := os.Stat(socket); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket: %v, %v", info, err)
	}
	for _, test := range []struct {
		what string
		err  error
		want error
	}{
		{"a local one as a dynamic one", f.CancelLocal(at, true), forward.ErrUnknown},
		{"a local one", f.CancelLocal(at, false), nil},
		{"a local one again", f.CancelLocal(at, false), forward.ErrUnknown},
		{"a socket", f.CancelLocal(forward.Address{Path: socket}, false), nil},
		{"a dynamic one by another name", f.CancelLocal(forward.Address{Host: "localhost", Named: true, Port: unnamed.Port}, true), nil},
		{"a remote one by the port asked for", f.CancelRemote(forward.Address{}), forward.ErrUnknown},
		{"a remote one elsewhere", f.CancelRemote(tcp(port)), forward.ErrUnknown},
		{"a remote one", f.CancelRemote(forward.Address{Port: port}), nil},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: %v, want %v", test.what, test.err, test.want)
		}
	}
	if list := f.List(); len(list) != 0 {
		t.Errorf("the list is %+v", list)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket's file is still there")
	}
	if _, err := net.Dial("tcp", at.String()); err == nil {
		t.Error("somebody still listens")
	}
}

// A socket in the way stays unless it may be removed; what took its place is
// left alone at the end.
func TestForwardSocketInTheWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	spec := forward.Spec{Listen: forward.Address{Path: path}, Target: tcp(1)}
	f := newForwards(t, everything, &auth.Permit{}, forward.Options{})
	if err := f.Local(t.Context(), spec); !errors.Is(err, forward.ErrListen) {
		t.Fatalf("over a file: %v", err)
	}
	f = newForwards(t, everything, &auth.Permit{}, forward.Options{Sockets: forward.SocketOptions{Unlink: true, Mode: 0o660}})
	if err := f.Local(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != os.ModeSocket|0o660 {
		t.Errorf("the socket: %v, %v", info.Mode(), err)
	}
	os.Remove(path)
	if err := os.WriteFile(path, []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if text, err := os.ReadFile(path); err != nil || string(text) != "another's" {
		t.Errorf("what took its place: %q, %v", text, err)
	}
}

// socksClient asks a SOCKS server for a target and returns its answer's code.
func socksClient(nc net.Conn, version, host string, port int) (byte, error) {
	p := []byte{byte(port >> 8), byte(port)}
	read := func(n int) ([]byte, error) {
		b := make([]byte, n)
		_, err := io.ReadFull(nc, b)
		return b, err
	}
	switch version {
	case "4":
		nc.Write(append(append([]byte{4, 1}, p...), append(net.ParseIP(host).To4(), "user\x00"...)...))
	case "4a":
		nc.Write(append(append([]byte{4, 1}, p...), append([]byte{0, 0, 0, 1}, "\x00"+host+"\x00"...)...))
	default:
		request := []byte{5, 1, 0, 3, byte(len(host))}
		if ip := net.ParseIP(host); version == "5ip" && ip.To4() != nil {
			request = append([]byte{5, 1, 0, 1}, ip.To4()...)
		} else if version == "5ip" {
			request = append([]byte{5, 1, 0, 4}, ip...)
		} else {
			request = append(request, host...)
		}
		// A client in a hurry doesn't wait for the method.
		nc.Write(append([]byte{5, 2, 2, 0}, append(request, p...)...))
		if b, err := read(2); err != nil || b[0] != 5 || b[1] != 0 {
			return 0, fmt.Errorf("method %v, %v", b, err)
		}
		b, err := read(10)
		if err == nil && b[0] != 5 {
			err = fmt.Errorf("reply %v", b)
		}
		return b[1], err
	}
	b, err := read(8)
	return b[1], err
}

// SOCKS in all its versions, on this side and on the server's.
func TestDynamicForwards(t *testing.T) {
	target := portOf(serving(t, listening(t, "tcp", "127.0.0.1:0"), digest))
	six := portOf(serving(t, listening(t, "tcp", "[::1]:0"), digest))
	closed := free(t)
	f := newForwards(t, everything, &auth.Permit{}, forward.Options{PermitRemoteOpen: []string{
		fmt.Sprintf("127.0.0.1:%d", target), fmt.Sprintf("localhost:%d", target), fmt.Sprintf("[::1]:%d", six), fmt.Sprintf("*:%d", closed), "nowhere.invalid:*",
	}})
	here := tcp(free(t))
	if err := f.Local(t.Context(), forward.Spec{Listen: here, Dynamic: true}); err != nil {
		t.Fatal(err)
	}
	port, err := f.Remote(t.Context(), forward.Spec{Listen: tcp(0), Dynamic: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []forward.Address{here, tcp(port)} {
		for _, test := range []struct {
			version, host string
			port          int
			code          byte
		}{
			{"4", "127.0.0.1", target, 90}, {"4a", "localhost", target, 90},
			{"5", "localhost", target, 0}, {"5ip", "127.0.0.1", target, 0}, {"5ip", "::1", six, 0},
			{"4", "127.0.0.1", closed, 91}, {"5", "127.0.0.1", closed, 5}, {"5", "nowhere.invalid", 1, 4},
		} {
			nc := dialed(t, at)
			code, err := socksClient(nc, test.version, test.host, test.port)
			if err != nil || code != test.code {
				t.Errorf("SOCKS%s to %s at %v: code %d, %v; want %d", test.version, test.host, at, code, err, test.code)
			}
			if test.code == 0 || test.code == 90 {
				if err := sums(nc, 1<<20); err != nil {
					t.Errorf("SOCKS%s to %s at %v: %v", test.version, test.host, at, err)
				}
			} else if b, err := io.ReadAll(nc); err != nil || len(b) != 0 {
				t.Errorf("after a refusal: %q, %v", b, err)
			}
			nc.Close()
		}
	}
	nc := dialed(t, tcp(port))
	defer nc.Close()
	if code, err := socksClient(nc, "5", "localhost", six); code != 2 || err != nil {
		t.Errorf("what PermitRemoteOpen leaves out: code %d, %v", code, err)
	}
}

// What a client says that is no SOCKS, or too much of it, ends its connection
// and nothing else.
func TestHostileSOCKS(t *testing.T) {
	f := newForwards(t, everything, &auth.Permit{}, forward.Options{})
	at := tcp(free(t))
	if err := f.Local(t.Context(), forward.Spec{Listen: at, Dynamic: true}); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ says, hears string }{
		"http":          {"GET / HTTP/1.0\r\n\r\n", ""},
		"no method":     {"\x05\x00", "\x05\xff"},
		"password only": {"\x05\x01\x02", "\x05\xff"},
		"bind":          {"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x01", "\x05\x00\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00"},
		"atyp":          {"\x05\x01\x00\x05\x01\x00\x09\x7f\x00\x00\x01\x00\x01", "\x05\x00\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00"},
		"no name":       {"\x05\x01\x00\x05\x01\x00\x03\x00\x00\x01", "\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00"},
		"control":       {"\x05\x01\x00\x05\x01\x00\x03\x02a\n\x00\x01", "\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00"},
		"4 bind":        {"\x04\x02\x00\x01\x7f\x00\x00\x01\x00", "\x00\x5b\x00\x00\x00\x00\x00\x00"},
		"4a no end":     {"\x04\x01\x00\x01\x00\x00\x00\x01u\x00" + strings.Repeat("a", 4000), ""},
		"4 no end":      {"\x04\x01\x00\x01\x01\x00\x00\x01" + strings.Repeat("u", 1<<20), ""},
		"switch":        {"\x05\x01\x00\x04\x01\x00\x01\x7f\x00\x00\x01\x00", "\x05\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			nc := dialed(t, at)
			defer nc.Close()
			go io.WriteString(nc, test.says)
			heard, _ := io.ReadAll(nc) // a reset is an end, too
			if !bytes.Equal(heard, []byte(test.hears)) && len(test.says) < 1000 {
				t.Errorf("heard %q, want %q", heard, test.hears)
			}
		})
	}
}

// A server that opens channels nobody asked for gets none, and may go on.
func TestUnaskedForwards(t *testing.T) {
	conf := &ssh.ServerConfig{NoClientAuth: true}
	conf.AddHostKey(testpeer.NewKey(t, testpeer.Ed25519).Signer)
	here, there, stands := listening(t, "tcp", "127.0.0.1:0"), make(chan error, 1), make(chan struct{})
	defer here.Close()
	opens := []struct {
		typ     string
		payload []byte
	}{
		{"forwarded-tcpip", ssh.Marshal(forwardedTCP{"localhost", 8080, "127.0.0.1", 1})},
		{"forwarded-tcpip", ssh.Marshal(forwardedTCP{"localhost", 70000, "127.0.0.1", 1})},
		{"forwarded-tcpip", []byte("\x00\x00\x00\x09")},
		{"forwarded-streamlocal@openssh.com", ssh.Marshal(struct{ Path, Reserved string }{"/etc/passwd", ""})},
		{"forwarded-streamlocal@openssh.com", nil}, {"x11", nil}, {"auth-agent@openssh.com", nil}, {"session", nil}, {"direct-tcpip", nil},
	}
	go func() {
		nc, err := here.Accept()
		if err != nil {
			there <- err
			return
		}
		c, chans, reqs, err := ssh.NewServerConn(nc, conf)
		if err != nil {
			there <- err
			return
		}
		defer c.Close()
		go func() {
			for range chans {
			}
		}()
		go func() {
			for r := range reqs {
				r.Reply(r.Type == "tcpip-forward", nil)
			}
		}()
		<-stands
		for _, open := range opens {
			var refused *ssh.OpenChannelError
			if ch, _, err := c.OpenChannel(open.typ, open.payload); !errors.As(err, &refused) {
				err = fmt.Errorf("%s %q was opened: %v, %v", open.typ, open.payload, ch, err)
				there <- err
				return
			}
		}
		there <- nil
	}()
	c, err := Dial(t.Context(), "127.0.0.1", portOf(here), &Config{
		HostKey: func(context.Context, Presented) error { return nil },
		Auth:    auth.ClientConfig{User: "ali", Methods: []auth.ClientMethod{auth.None()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { c.Close(); <-c.Done() }()
	f := c.Forwards(forward.Options{})
	for _, spec := range []forward.Spec{
		{Listen: forward.Address{Port: 9}, Target: tcp(1)}, {Listen: forward.Address{Host: "elsewhere", Named: true, Port: 8080}, Target: tcp(1)},
	} {
		if _, err := f.Remote(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
	}
	close(stands)
	if err := <-there; err != nil {
		t.Error(err)
	}
}

type forwardedTCP struct {
	Host     string
	Port     uint32
	From     string
	FromPort uint32
}
