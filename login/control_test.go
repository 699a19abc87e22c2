package login

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/wire"
)

func seeds() [][]byte {
	return [][]byte{
		(&setup{user: User{Name: "ann", UID: 1000, GID: 1000, Groups: []uint32{1000, 27}, Home: "/home/ann", Shell: "/bin/sh"}, idle: time.Second, connections: 5, children: 6, oomScore: -7}).frame(),
		(&hand{id: 7, state: []byte("state"), policy: []byte("policy")}).frame(),
		idFrame(msgCommit, 7), idFrame(msgAbort, 7), idFrame(msgAccepted, 7), idFrame(msgEnded, 7),
		(&signed{id: 7, signature: []byte("sig"), reason: "no"}).frame(),
		(&signRequest{id: 7, algorithm: "ssh-ed25519", data: make([]byte, 32)}).frame(),
		(&text{id: 7, level: slog.LevelWarn, text: "hello\n"}).frame(msgLog),
		(&text{id: 7, text: "full"}).frame(msgRefused),
	}
}

// parseBody reads a body as its kind and writes it again.
func parseBody(kind byte, body []byte) ([]byte, error) {
	switch kind {
	case msgSetup:
		s, err := parseSetup(body)
		if err != nil {
			return nil, err
		}
		return s.frame(), nil
	case msgHand:
		h, err := parseHand(body)
		return h.frame(), err
	case msgSigned:
		s, err := parseSigned(body)
		return s.frame(), err
	case msgSign:
		s, err := parseSign(body)
		return s.frame(), err
	case msgLog, msgRefused:
		t, err := parseText(kind, body)
		return t.frame(kind), err
	}
	id, err := parseID(body)
	return idFrame(kind, id), err
}

func TestFrames(t *testing.T) {
	for _, seed := range seeds() {
		fromMonitor := seed[4] < msgAccepted
		for n := range len(seed) {
			if _, _, size, err := parseFrame(seed[:n], fromMonitor); size != 0 || err != nil {
				t.Errorf("kind %d cut at %d: %d %v", seed[4], n, size, err)
			}
		}
		kind, body, size, err := parseFrame(append(bytes.Clone(seed), 1, 2, 3), fromMonitor)
		if err != nil || size != len(seed) || kind != seed[4] {
			t.Fatalf("kind %d: %d %v", seed[4], size, err)
		}
		if _, _, _, err := parseFrame(seed, !fromMonitor); err == nil {
			t.Errorf("kind %d is taken from the wrong side", kind)
		}
		again, err := parseBody(kind, body)
		if kind == msgLog { // escaped on the way in
			body = bytes.ReplaceAll(body, []byte("\x00\x06hello\n"), []byte("\x00\x09hello\\x0a"))
		}
		if err != nil || !bytes.Equal(again[frameHeader:], body) {
			t.Errorf("kind %d becomes %q: %v", kind, again, err)
		}
		for n := range len(body) {
			if _, err := parseBody(kind, body[:n]); err == nil {
				t.Errorf("kind %d: body cut at %d is accepted", kind, n)
			}
		}
	}
	for _, bad := range []string{"\x00\x00\x00\x00\x01", "\xff\xff\xff\xff\x02", "\x00\x00\x00\x01\x00", "\x00\x00\x00\x01\x63", "\x00\x00\x00\x0a\x03"} {
		if _, _, _, err := parseFrame([]byte(bad), true); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestFrameValues(t *testing.T) {
	in := &setup{user: User{Name: "a", UID: 1, GID: 2, Groups: []uint32{3}, Home: "/", Shell: "/bin/sh"}, idle: time.Minute, connections: 1, children: 2, oomScore: -1000}
	out, err := parseSetup(in.frame()[frameHeader:])
	if err != nil || !reflect.DeepEqual(in, out) {
		t.Errorf("%+v %v", out, err)
	}
	for _, n := range []int{0, 19, 65} {
		q := signRequest{id: 1, algorithm: "a", data: make([]byte, n)}
		if _, err := parseSign(q.frame()[frameHeader:]); err == nil {
			t.Errorf("a hash of %d bytes is accepted", n)
		}
	}
	big := wire.AppendUint32(wire.AppendUint32(wire.AppendUint32(wire.AppendString([]byte(nil), "a"), 0), 0), 1<<31)
	if _, err := parseSetup(big); err == nil {
		t.Error("two billion groups are accepted")
	}
	if got := printable([]byte("a\x1b[2J\n\x7f\xc3\xa9")); got != `a\x1b[2J\x0a\x7f\xc3\xa9` {
		t.Errorf("%s", got)
	}
	if got := truncate(strings.Repeat("x", 10), 3); got != "xxx" {
		t.Error(got)
	}
}

func TestBucket(t *testing.T) {
	var b bucket
	now := time.Unix(1000, 0)
	takes := func(now time.Time) (n int) {
		for b.take(now, 3, time.Second) {
			n++
		}
		return n
	}
	for i, c := range []struct {
		after time.Duration
		want  int
	}{{0, 3}, {500 * time.Millisecond, 0}, {time.Second, 1}, {1500 * time.Millisecond, 0}, {3 * time.Second, 2}, {time.Hour, 3}, {time.Hour - time.Minute, 0}} {
		if got := takes(now.Add(c.after)); got != c.want {
			t.Errorf("step %d: %d, want %d", i, got, c.want)
		}
	}
}

func FuzzControl(f *testing.F) {
	for _, seed := range seeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, fromMonitor := range []bool{true, false} {
			kind, body, size, err := parseFrame(b, fromMonitor)
			if err != nil || size == 0 {
				continue
			}
			again, err := parseBody(kind, body)
			if err != nil {
				continue
			}
			_, body2, size2, err := parseFrame(again, fromMonitor)
			if kind != msgLog && kind != msgRefused && (err != nil || size2 != len(again) || !bytes.Equal(body2, body)) {
				t.Fatalf("kind %d: %q becomes %q: %v", kind, body, body2, err)
			}
		}
	})
}
