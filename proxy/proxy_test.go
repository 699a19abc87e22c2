package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// greeting is what the target says at once: it must arrive whole.
const greeting = "SSH-2.0-target\r\n"

// serve runs a conversation for each connection and returns the address.
func serve(t *testing.T, talk func(net.Conn)) (host string, port int) {
	t.Helper()
	return "127.0.0.1", testpeer.Accept(t, func(nc *net.TCPConn) { talk(nc) })
}

// tunnel is what any proxy of these tests does when it is content: it speaks for
// the target in the same write, and echoes.
func tunnel(c net.Conn, in io.Reader, reply string) {
	io.WriteString(c, reply+greeting)
	io.Copy(c, in)
}

func dialed(t *testing.T, nc net.Conn, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	got := make([]byte, len(greeting))
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != greeting {
		t.Fatalf("%q, %v", got, err)
	}
	io.WriteString(nc, "ping")
	if _, err := io.ReadFull(nc, got[:4]); err != nil || string(got[:4]) != "ping" {
		t.Fatalf("%q, %v", got[:4], err)
	}
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// A strict HTTP proxy: digest or basic, a fresh nonce each, closing or not.
type strictProxy struct {
	challenge string // before the nonce
	closes    bool
	chunk     int // its answers come in pieces of so many bytes
	seen      chan string
}

func (s *strictProxy) talk(c net.Conn) {
	in := bufio.NewReader(c)
	nonce := ""
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		auth := r.Header.Get("Proxy-Authorization")
		if r.Method != "CONNECT" || r.Host != r.RequestURI {
			io.WriteString(c, "HTTP/1.1 400 Bad\r\n\r\n")
			return
		}
		s.seen <- r.Host + " " + auth
		if s.right(auth) {
			tunnel(c, in, "HTTP/1.1 200 Connection established\r\nX-Long: "+strings.Repeat("x", 900)+"\r\n\r\n")
			return
		}
		random := make([]byte, 8)
		rand.Read(random)
		nonce = hex.EncodeToString(random)
		end := "Content-Length: 5\r\n\r\nsorry"
		if s.closes {
			end = "Connection: close\r\n\r\nsorry"
		}
		answer := "HTTP/1.1 407 Who\r\nProxy-Authenticate: " + strings.ReplaceAll(s.challenge, "NONCE", nonce) + "\r\n" + end
		for len(answer) > 0 {
			n := min(max(s.chunk, 1), len(answer))
			io.WriteString(c, answer[:n])
			answer = answer[n:]
		}
		if s.closes {
			return
		}
	}
}

// right checks an answer by computing it again from its own words.
func (s *strictProxy) right(auth string) bool {
	scheme, rest, _ := strings.Cut(auth, " ")
	if scheme == "Basic" {
		return strings.HasPrefix(s.challenge, "Basic") && auth == basic("me", "geheim:x")
	}
	got := parseChallenges("Digest " + rest)
	if scheme != "Digest" || len(got) != 1 {
		return false
	}
	c := got[0]
	want := c.digestWith("me", "geheim:x", "CONNECT", c.params["uri"], c.params["cnonce"], c.params["qop"] != "")
	return strings.Contains(want, `response="`+c.params["response"]+`"`)
}

func TestHTTPLogin(t *testing.T) {
	for _, test := range []struct{ name, challenge, wants string }{
		{"basic", `Basic realm="a \"b\""`, "Basic"},
		{"digest of 1999", `Digest realm="r", nonce="NONCE"`, "Digest"},
		{"digest", `Digest realm="r", nonce="NONCE", qop="auth,auth-int", opaque="o", algorithm=MD5`, "Digest"},
		{"session", `Digest realm="r", nonce="NONCE", qop="auth", algorithm=MD5-sess`, "Digest"},
		{"best of three", `Basic realm="r", Digest realm="r", nonce="NONCE", qop=auth, algorithm=MD5, Digest realm="r", nonce="NONCE", qop="auth", algorithm=SHA-256`, "Digest"},
		{"hashed user", `Digest realm="r", nonce="NONCE", qop="auth", algorithm=SHA-256`, "Digest"},
	} {
		for _, closes := range []bool{false, true} {
			t.Run(fmt.Sprint(test.name, " ", closes), func(t *testing.T) {
				s := &strictProxy{challenge: test.challenge, closes: closes, chunk: 7, seen: make(chan string, 9)}
				host, port := serve(t, s.talk)
				p := &Proxy{Scheme: "http", Target: Target{host, port}, User: "me", Password: "geheim:x", HasPassword: true}
				nc, err := p.Dial(testContext(t), &Dialer{}, Target{"::1", 22})
				dialed(t, nc, err)
				if first, second := <-s.seen, <-s.seen; first != "[::1]:22 " || !strings.HasPrefix(second, "[::1]:22 "+test.wants) {
					t.Errorf("%q, then %q", first, second)
				}
			})
		}
	}
}

// Who asks is asked, and may be wrong twice; a password in the URL is tried once.
func TestHTTPQuestions(t *testing.T) {
	s := &strictProxy{challenge: `Digest realm="the realm", nonce="NONCE", qop="auth"`, seen: make(chan string, 30)}
	host, port := serve(t, s.talk)
	p := &Proxy{Scheme: "http", Target: Target{host, port}, User: "me"}
	asked := 0
	d := &Dialer{Ask: func(_ context.Context, q Question) (string, string, error) {
		asked++
		if q.User != "me" || q.Realm != "the realm" || q.Again != (asked > 1) {
			t.Errorf("%+v", q)
		}
		return "me", map[bool]string{true: "geheim:x", false: "wrong"}[asked == 3], nil
	}}
	nc, err := p.Dial(testContext(t), d, Target{"host", 22})
	dialed(t, nc, err)

	p = &Proxy{Scheme: "http", Target: Target{host, port}, User: "me", Password: "wrong", HasPassword: true}
	var refused *AuthError
	if _, err = p.Dial(testContext(t), &Dialer{}, Target{"host", 22}); !errors.As(err, &refused) {
		t.Error(err)
	}
	p.HasPassword = false
	if _, err = p.Dial(testContext(t), &Dialer{}, Target{"host", 22}); !errors.As(err, &refused) {
		t.Error(err)
	}
}

func TestHTTPRefusals(t *testing.T) {
	for _, test := range []struct {
		answer string
		want   any
	}{
		{"HTTP/1.1 403 Forbidden\r\n\r\n", new(*RefusedError)},
		{"SSH-2.0-x\r\n", new(*BrokenError)},
		{"", new(*BrokenError)},
		{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHeader), new(*BrokenError)},
		{"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxHeader/6), new(*BrokenError)},
		{"HTTP/1.1 100 Wait\r\n\r\nHTTP/1.1 502 No\r\n\r\n", new(*RefusedError)},
		{"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\r\n", new(*AuthError)},
		{"HTTP/1.1 2000 No\r\n\r\n", new(*BrokenError)},
	} {
		host, port := serve(t, func(c net.Conn) {
			http.ReadRequest(bufio.NewReader(c))
			io.WriteString(c, test.answer)
		})
		p := &Proxy{Scheme: "http", Target: Target{host, port}}
		if _, err := p.Dial(testContext(t), &Dialer{}, Target{"host", 22}); err == nil || !errors.As(err, test.want) {
			t.Errorf("%.40q: %v", test.answer, err)
		}
	}
	p := &Proxy{Scheme: "http", Target: Target{"127.0.0.1", 1}}
	for _, host := range []string{"", "a b", "a\r\nX: y", "fe80::1%eth0", strings.Repeat("h", 256)} {
		if _, err := p.Dial(testContext(t), &Dialer{}, Target{host, 22}); err == nil {
			t.Errorf("%q was asked for", host)
		}
	}
}

// A silent proxy ends with the context.
func TestTimeout(t *testing.T) {
	for _, scheme := range []string{"http", "socks4a", "socks5"} {
		host, port := serve(t, func(c net.Conn) { io.Copy(io.Discard, c) })
		ctx, cancel := context.WithTimeoutCause(context.Background(), 50*time.Millisecond, errors.New("too long"))
		p := &Proxy{Scheme: scheme, Target: Target{host, port}}
		if _, err := p.Dial(ctx, &Dialer{}, Target{"host", 22}); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("%s: %v", scheme, err)
		}
		cancel()
	}
}

func TestSOCKS4(t *testing.T) {
	for _, test := range []struct{ scheme, host, want string }{
		{"socks4", "192.0.2.7", "\x04\x01\x00\x16\xc0\x00\x02\x07me\x00"},
		{"socks4", "name", "\x04\x01\x00\x16\xc0\x00\x02\x09me\x00"},
		{"socks4a", "name", "\x04\x01\x00\x16\x00\x00\x00\x01me\x00name\x00"},
	} {
		host, port := serve(t, func(c net.Conn) {
			got := make([]byte, len(test.want))
			io.ReadFull(c, got)
			if string(got) != test.want {
				t.Errorf("%s %s: %q", test.scheme, test.host, got)
			}
			tunnel(c, c, "\x00\x5a\x00\x00\x00\x00\x00\x00")
		})
		p := &Proxy{Scheme: test.scheme, Target: Target{host, port}, User: "me"}
		d := &Dialer{Resolve: func(context.Context, string) ([]net.IP, error) {
			return []net.IP{net.ParseIP("2001:db8::1"), net.IPv4(192, 0, 2, 9)}, nil
		}}
		nc, err := p.Dial(testContext(t), d, Target{test.host, 22})
		dialed(t, nc, err)
		if _, err := p.Dial(testContext(t), d, Target{"2001:db8::1", 22}); err == nil {
			t.Error("IPv6 over SOCKS 4")
		}
	}
	host, port := serve(t, func(c net.Conn) {
		io.CopyN(io.Discard, c, 9)
		io.WriteString(c, "\x00\x5b\x00\x00\x00\x00\x00\x00")
	})
	var refused *RefusedError
	p := &Proxy{Scheme: "socks4", Target: Target{host, port}}
	if _, err := p.Dial(testContext(t), &Dialer{}, Target{"192.0.2.1", 22}); !errors.As(err, &refused) {
		t.Error(err)
	}
}

// socks5Server is RFC 1928's server as strict as can be; it answers from the
// address types in turn.
func socks5Server(t *testing.T, password string) (string, int) {
	replies := []string{"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", "\x05\x00\x00\x03\x04name\x00\x16", "\x05\x00\x00\x04" + strings.Repeat("\x00", 18)}
	next := make(chan string, len(replies))
	for _, r := range replies {
		next <- r
	}
	read := func(c net.Conn, n int) string {
		b := make([]byte, n)
		io.ReadFull(c, b)
		return string(b)
	}
	return serve(t, func(c net.Conn) {
		hello := read(c, 2)
		methods := read(c, int(hello[1]))
		if password != "" {
			if !strings.Contains(methods, "\x02") {
				io.WriteString(c, "\x05\xff")
				return
			}
			io.WriteString(c, "\x05\x02")
			user := read(c, int(read(c, 2)[1]))
			if got := read(c, int(read(c, 1)[0])); user != "me" || got != password {
				io.WriteString(c, "\x01\x01")
				return
			}
			io.WriteString(c, "\x01\x00")
		} else {
			io.WriteString(c, "\x05\x00")
		}
		head := read(c, 4)
		n := map[byte]int{1: 4, 4: 16}[head[3]]
		if head[3] == 3 {
			n = int(read(c, 1)[0])
		}
		if read(c, n+2) == "nobody\x00\x16" {
			io.WriteString(c, "\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00")
			return
		}
		reply := <-next
		next <- reply
		tunnel(c, c, reply)
	})
}

func TestSOCKS5(t *testing.T) {
	for _, password := range []string{"", "geheim"} {
		host, port := socks5Server(t, password)
		p := &Proxy{Scheme: "socks5", Target: Target{host, port}, User: "me", Password: password, HasPassword: password != ""}
		for _, target := range []string{"name", "192.0.2.1", "2001:db8::1"} {
			nc, err := p.Dial(testContext(t), &Dialer{}, Target{target, 22})
			dialed(t, nc, err)
		}
		var refused *RefusedError
		if _, err := p.Dial(testContext(t), &Dialer{}, Target{"nobody", 22}); !errors.As(err, &refused) || !strings.Contains(err.Error(), "host unreachable") {
			t.Error(err)
		}
		if password == "" {
			continue
		}
		p.Password = "wrong"
		var login *AuthError
		if _, err := p.Dial(testContext(t), &Dialer{}, Target{"name", 22}); !errors.As(err, &login) {
			t.Error(err)
		}
		p.HasPassword = false
		if _, err := p.Dial(testContext(t), &Dialer{}, Target{"name", 22}); !errors.As(err, &login) {
			t.Error(err)
		}
		d := &Dialer{Ask: func(_ context.Context, q Question) (string, string, error) {
			return q.User, map[bool]string{true: password, false: "wrong"}[q.Again], nil
		}}
		nc, err := p.Dial(testContext(t), d, Target{"name", 22})
		dialed(t, nc, err)
	}
}

func TestParseURL(t *testing.T) {
	for text, want := range map[string]Proxy{
		"http://user@host:3128":       {Scheme: "http", Target: Target{"host", 3128}, User: "user"},
		"http://host":                 {Scheme: "http", Target: Target{"host", 3128}},
		"socks5h://[::1]:1/":          {Scheme: "socks5", Target: Target{"::1", 1}},
		"socks4a://u:p%40w@h":         {Scheme: "socks4a", Target: Target{"h", 1080}, User: "u", Password: "p@w", HasPassword: true},
		"https://proxy.example.com":   {Scheme: "https", Target: Target{"proxy.example.com", 443}},
		"socks5://me:@192.0.2.1:1080": {Scheme: "socks5", Target: Target{"192.0.2.1", 1080}, User: "me", HasPassword: true},
	} {
		if got, err := ParseURL(text); err != nil || *got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "host", "host:3128", "ftp://host", "http://", "http://h:0", "http://h:99999", "http://h/path", "http://u:secret@h?x", "http://u:secret@h:x"} {
		if p, err := ParseURL(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
}

// The vectors of RFC 7616, section 3.9.1.
func TestDigestVectors(t *testing.T) {
	for algorithm, want := range map[string]string{
		"MD5":     "8ca523f5e9506fed4657c9700eebdbec",
		"SHA-256": "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		c := challenge{"digest", map[string]string{"realm": "http-auth@example.org", "algorithm": algorithm, "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "qop": "auth"}}
		got := c.digestWith("Mufasa", "Circle of Life", "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", true)
		if !strings.Contains(got, `response="`+want+`"`) {
			t.Errorf("%s: %s", algorithm, got)
		}
	}
}

// canned is a proxy that says one thing whatever it is asked.
type canned struct {
	io.Reader
	io.Writer
}

func FuzzHTTPResponse(f *testing.F) {
	for _, s := range []string{
		"HTTP/1.0 200 Connection established\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\nSSH-2.0-x\r\n",
		"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", stale=true, Basic realm=x\r\nContent-Length: 3\r\n\r\nabc",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 x\r\nConnection: close\r\n fold\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		in := bytes.NewReader(text)
		r, err := readResponse(in)
		if err != nil {
			return
		}
		read := len(text) - in.Len()
		if !bytes.HasSuffix(text[:read], []byte("\n")) || read > maxHeader {
			t.Errorf("the head ends within %q", text[:read])
		}
		if c := strongest(r.challenges); c != nil && c.scheme == "digest" {
			if header, err := c.digest("u", "p", "CONNECT", "h:1"); err == nil && strings.ContainsAny(header, "\r\n") {
				t.Errorf("%q", header)
			}
		}
	})
}

func FuzzSOCKS(f *testing.F) {
	f.Add([]byte("\x00\x5a\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x05\x02\x01\x00\x05\x00\x00\x03\x04name\x00\x16"))
	f.Add([]byte("\x05\x00\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, text []byte) {
		p, to := &Proxy{Scheme: "socks5"}, Target{"host", 22}
		readSOCKS4(bytes.NewReader(text), p, to)
		nc := canned{bytes.NewReader(text), io.Discard}
		if wants, err := socks5Greet(nc, p, true); err != nil || wants && socks5Login(nc, p, "u", "p") != nil {
			return
		}
		socks5Connect(nc, p, to)
	})
}
