package sshfp

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/nacre-ssh/nacre/key"
)

func TestParse(t *testing.T) {
	r := Parse([]byte("# a comment\nsearch example.com\nnameserver 192.0.2.1\nnameserver\nnameserver nonsense\n" +
		"nameserver fe80::1%lo\nnameserver 2001:db8::1\nnameserver 192.0.2.4\noptions edns0 trust-ad timeout:99 attempts:0\noptions use-vc\n"))
	if got := strings.Join(r.Servers, " "); got != "192.0.2.1:53 [fe80::1%lo]:53 [2001:db8::1]:53" {
		t.Errorf("servers %s", got)
	}
	if !r.TrustAD || !r.TCP || r.Timeout != maxTimeout || r.Attempts != 1 {
		t.Errorf("%+v", r)
	}
	if r := Parse([]byte("options no-trust-ad trust-ad:1\n")); r.TrustAD {
		t.Error("another option was taken for trust-ad")
	}
}

func TestSystem(t *testing.T) {
	t.Setenv("RES_OPTIONS", "timeout:7")
	if r := System(); r.Timeout != 7*time.Second {
		t.Errorf("%+v", r)
	}
}

func generate(t *testing.T, typ string, bits int) key.Public {
	t.Helper()
	k, err := key.Generate(rand.Reader, typ, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func TestJudge(t *testing.T) {
	k := generate(t, key.TypeEd25519, 0)
	record := func(algorithm, hash byte, damage ...byte) Record {
		digest := Digest(hash, k.Blob())
		for i := range damage {
			digest[i] ^= damage[i]
		}
		return Record{algorithm, hash, digest}
	}
	for name, c := range map[string]struct {
		records []Record
		want    Verdict
	}{
		"none":                        {nil, Absent},
		"SHA-256":                     {[]Record{record(4, 2)}, Match},
		"SHA-1 alone":                 {[]Record{record(4, 1)}, Match},
		"both":                        {[]Record{record(4, 1), record(4, 2)}, Match},
		"wrong":                       {[]Record{record(4, 2, 1)}, Mismatch},
		"one of two is wrong":         {[]Record{record(4, 1), record(4, 2, 1)}, Mismatch},
		"another algorithm":           {[]Record{record(1, 2)}, Mismatch},
		"another algorithm besides":   {[]Record{record(1, 2, 1), record(4, 2)}, Match},
		"unknown digest":              {[]Record{{4, 3, Digest(2, k.Blob())}}, Mismatch},
		"unknown digest besides":      {[]Record{{4, 3, []byte("x")}, record(4, 2)}, Match},
		"a digest of another length":  {[]Record{{4, 2, Digest(2, k.Blob())[:20]}}, Mismatch},
		"an empty digest and a match": {[]Record{{4, 2, nil}, record(4, 2)}, Match},
	} {
		if got := (Answer{Records: c.records}).Judge(k); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestAlgorithms(t *testing.T) {
	for typ, want := range map[string]byte{
		key.TypeRSA: 1, key.TypeDSA: 2, key.TypeECDSA256: 3, key.TypeECDSA521: 3, key.TypeEd25519: 4, key.TypeEd448: 6, "other": 0,
	} {
		if got := Algorithm(typ); got != want {
			t.Errorf("%s: %d, want %d", typ, got, want)
		}
	}
}

// reply makes an answer of records as a server would.
func reply(t testing.TB, h dnsmessage.Header, name dnsmessage.Name, rdata ...[]byte) []byte {
	t.Helper()
	h.Response = true
	b := dnsmessage.NewBuilder(nil, h)
	b.EnableCompression()
	err := errors.Join(b.StartQuestions(), b.Question(dnsmessage.Question{Name: name, Type: Type, Class: dnsmessage.ClassINET}), b.StartAnswers())
	alias := dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("real.example.")}
	err = errors.Join(err, b.CNAMEResource(dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET}, alias))
	for _, data := range rdata {
		err = errors.Join(err, b.UnknownResource(dnsmessage.ResourceHeader{Name: alias.CNAME, Class: dnsmessage.ClassINET},
			dnsmessage.UnknownResource{Type: Type, Data: data}))
	}
	msg, finish := b.Finish()
	if err = errors.Join(err, finish); err != nil {
		t.Fatal(err)
	}
	return msg
}

func TestParseAnswer(t *testing.T) {
	name, other := dnsmessage.MustNewName("Host.example."), dnsmessage.MustNewName("other.example.")
	h := dnsmessage.Header{ID: 7, AuthenticData: true}
	good := []byte{4, 2, 1, 2, 3}
	records, checked, err := parseAnswer(reply(t, h, dnsmessage.MustNewName("hOST.example."), good, []byte{4}), 7, name)
	if err != nil || !checked || len(records) != 1 || string(records[0].Digest) != "\x01\x02\x03" {
		t.Errorf("%v, %v, %v", records, checked, err)
	}
	var many [][]byte
	for range maxRecords + 1 {
		many = append(many, good)
	}
	for what, msg := range map[string][]byte{
		"another id":       reply(t, dnsmessage.Header{ID: 8}, name, good),
		"another question": reply(t, h, other, good),
		"truncated":        reply(t, dnsmessage.Header{ID: 7, Truncated: true}, name),
		"no such name":     reply(t, dnsmessage.Header{ID: 7, RCode: dnsmessage.RCodeNameError}, name),
		"bogus":            reply(t, dnsmessage.Header{ID: 7, RCode: dnsmessage.RCodeServerFailure}, name),
		"too many":         reply(t, h, name, many...),
		"cut off":          reply(t, h, name, good)[:60],
		"empty":            nil,
	} {
		if records, _, err := parseAnswer(msg, 7, name); err == nil {
			t.Errorf("%s: %v", what, records)
		}
	}
}

// A server that sends other answers first, and one that says nothing.
func TestLookupUDP(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		buf := make([]byte, 512)
		_, from, err := server.ReadFrom(buf)
		if err != nil {
			return
		}
		id := uint16(buf[0])<<8 | uint16(buf[1])
		name := dnsmessage.MustNewName("host.example.")
		server.WriteTo([]byte("nonsense"), from)
		server.WriteTo(reply(t, dnsmessage.Header{ID: id + 1}, name, []byte{4, 2, 9}), from)
		server.WriteTo(reply(t, dnsmessage.Header{ID: id, AuthenticData: true}, name, []byte{4, 2, 1}), from)
	}()
	r := &Resolver{Servers: []string{server.LocalAddr().String()}, Timeout: 10 * time.Second}
	answer, err := r.Lookup(t.Context(), "host.example")
	if err != nil || answer.Secure || !answer.Unheard || len(answer.Records) != 1 || answer.Records[0].Digest[0] != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
	r.Timeout, r.Attempts = 20*time.Millisecond, 1
	var failed *LookupError
	if _, err := r.Lookup(t.Context(), "host.example"); !errors.As(err, &failed) || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Lookup(ctx, "host.example"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for _, name := range []string{"", strings.Repeat("x", 300), "a..b", strings.Repeat("x", 64)} {
		if _, err := r.Lookup(t.Context(), name); !errors.As(err, &failed) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What doesn't fit a datagram comes by TCP.
func TestLookupTCP(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	udp, err := net.ListenPacket("udp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	name := dnsmessage.MustNewName("host.example.")
	go func() {
		buf := make([]byte, 512)
		if _, from, err := udp.ReadFrom(buf); err == nil {
			udp.WriteTo(reply(t, dnsmessage.Header{ID: uint16(buf[0])<<8 | uint16(buf[1]), Truncated: true}, name), from)
		}
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if _, err := io.ReadFull(c, buf[:4]); err != nil {
			return
		}
		msg := reply(t, dnsmessage.Header{ID: uint16(buf[2])<<8 | uint16(buf[3]), AuthenticData: true}, name, []byte{4, 2, 1})
		c.Write(append([]byte{byte(len(msg) >> 8), byte(len(msg))}, msg...))
	}()
	r := &Resolver{Servers: []string{l.Addr().String()}, TrustAD: true}
	answer, err := r.Lookup(t.Context(), "host.example.")
	if err != nil || !answer.Secure || len(answer.Records) != 1 {
		t.Errorf("%+v, %v", answer, err)
	}
}

func FuzzParseAnswer(f *testing.F) {
	name := dnsmessage.MustNewName("host.example.")
	f.Add(reply(f, dnsmessage.Header{ID: 7, AuthenticData: true}, name, []byte{4, 2, 1, 2, 3}))
	f.Add(reply(f, dnsmessage.Header{ID: 7, Truncated: true}, name))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, msg []byte) {
		records, _, err := parseAnswer(msg, 7, name)
		if err != nil && records != nil {
			t.Error("records and an error")
		}
		if len(records) > maxRecords {
			t.Error("too many records")
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("nameserver 192.0.2.1\noptions edns0 trust-ad timeout:3 attempts:2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if r := Parse(text); len(r.Servers) > maxServers || r.Timeout > maxTimeout || r.Attempts > maxAttempts {
			t.Errorf("%+v", r)
		}
	})
}
