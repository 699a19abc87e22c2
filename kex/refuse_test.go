package kex

import (
	"bytes"
	"crypto/mlkem"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

// badPublics returns values that the method must refuse in place of good, which
// is a valid one.
func badPublics(name string, good []byte) map[string][]byte {
	bad := map[string][]byte{
		"empty":    {},
		"short":    good[:len(good)-1],
		"long":     append(bytes.Clone(good), 1),
		"all ones": bytes.Repeat([]byte{0xff}, len(good)),
	}
	switch {
	case strings.Contains(name, "25519"):
		if len(good) != mlkem.EncapsulationKeySize768+x25519Size {
			// Any 32 bytes are a point, and KEMs answer a bad ciphertext with a
			// secret that nobody knows.
			delete(bad, "all ones")
		}
		for i, point := range lowOrder {
			b := bytes.Clone(good)
			low, _ := hex.DecodeString(point)
			copy(b[len(b)-x25519Size:], low)
			bad["low order "+string(rune('0'+i))] = b
		}
	case strings.HasPrefix(name, "ecdh"):
		flip := bytes.Clone(good)
		flip[len(flip)-1] ^= 1
		bad["off the curve"] = flip
		bad["infinity"] = []byte{0}
		bad["compressed"] = append([]byte{2 + good[len(good)-1]&1}, good[1:1+len(good)/2]...)
		bad["hybrid form"] = append([]byte{6 + good[len(good)-1]&1}, good[1:]...)
		bad["zero"] = append([]byte{4}, make([]byte, len(good)-1)...)
	default:
		p := primeOf(name)
		bad["short"] = append([]byte{0, 0}, good...) // a shorter number is as good
		bad["one"] = []byte{1}
		bad["p-1"] = mpintBody(new(big.Int).Sub(p, big.NewInt(1)))
		bad["p"] = mpintBody(p)
		bad["p+1"] = mpintBody(new(big.Int).Add(p, big.NewInt(1)))
		bad["negative"] = append([]byte{0x80}, good...)
		bad["padded"] = []byte{0, 0x7f}
		bad["one bit set"] = []byte{4}
		bad["three bits set"] = []byte{7}
		bad["zero as a byte"] = []byte{0}
		bad["huge"] = bytes.Repeat([]byte{0x7f}, 100_000)
	}
	return bad
}

// lowOrder are the points whose secret is all zero, in all their encodings that
// fit into 255 bits, and one with the spare bit set.
var lowOrder = []string{
	"0000000000000000000000000000000000000000000000000000000000000000",
	"0100000000000000000000000000000000000000000000000000000000000000",
	"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
	"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
	"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
}

func primeOf(name string) *big.Int {
	switch {
	case strings.Contains(name, "group14"):
		return fixedGroup{group14}.group().p
	case strings.Contains(name, "group18"):
		return fixedGroup{group18}.group().p
	default: // and what group exchange gives our client
		return fixedGroup{group16}.group().p
	}
}

// distinct leaves out methods that differ in name, hash or prime only.
var distinct = []string{
	"mlkem768x25519-sha256", "sntrup761x25519-sha512", "curve25519-sha256",
	"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
	"diffie-hellman-group-exchange-sha256", "diffie-hellman-group14-sha256",
}

// upToInit plays an exchange until the client's public value is about to go to
// the server.
func upToInit(t testing.TB, name string) (c, s Exchange, init []byte) {
	t.Helper()
	c, s = begin(t, name)
	msg, err := c.Start()
	if err != nil {
		t.Fatal(err)
	}
	if msg[0] != msgGexRequest {
		return c, s, msg
	}
	if msg, _, err = s.Step(nil, msg); err != nil {
		t.Fatal(err)
	}
	if msg, _, err = c.Step(nil, msg); err != nil {
		t.Fatal(err)
	}
	return c, s, msg
}

func TestServerRefusesPublicValues(t *testing.T) {
	for _, name := range distinct {
		_, _, init := upToInit(t, name)
		for what, bad := range badPublics(name, init[5:]) {
			_, s, _ := upToInit(t, name)
			_, done, err := s.Step(testParams(), wire.AppendString([]byte{init[0]}, bad))
			if !errors.Is(err, ErrPublicValue) || done != nil {
				t.Errorf("%s: %s: %v", name, what, err)
			}
			if _, _, err := s.Step(testParams(), init); !errors.Is(err, ErrOver) {
				t.Errorf("%s: %s: goes on after an error: %v", name, what, err)
			}
		}
	}
}

func TestClientRefusesPublicValues(t *testing.T) {
	for _, name := range distinct {
		_, s, init := upToInit(t, name)
		_, done, err := s.Step(testParams(), init)
		if err != nil {
			t.Fatal(err)
		}
		good, number := done.public, done.number
		for what, bad := range badPublics(name, good) {
			c, _, _ := upToInit(t, name)
			reply := (&Result{HostKey: []byte("key"), public: bad, number: number}).Reply([]byte("sig"))
			_, done, err := c.Step(testParams(), reply)
			if !errors.Is(err, ErrPublicValue) || done != nil {
				t.Errorf("%s: %s: %v", name, what, err)
			}
			if _, _, err := c.Step(testParams(), reply); !errors.Is(err, ErrOver) {
				t.Errorf("%s: %s: goes on after an error: %v", name, what, err)
			}
		}
	}
}

// mangled returns forms of a message that are not it.
func mangled(msg []byte) map[string][]byte {
	renumber := func(n byte) []byte { return append([]byte{n}, msg[1:]...) }
	return map[string][]byte{
		"nothing":       nil,
		"number alone":  msg[:1],
		"cut":           msg[:len(msg)-1],
		"trailing byte": append(bytes.Clone(msg), 0),
		"number below":  renumber(msg[0] - 1),
		"number above":  renumber(msg[0] + 1),
		"number 0":      renumber(0),
		"number 49":     renumber(49),
		"too large":     append(bytes.Clone(msg), make([]byte, wire.MaxPayload)...),
	}
}

func TestRefuseMangledMessages(t *testing.T) {
	for _, name := range distinct {
		_, s, init := upToInit(t, name)
		_, done, err := s.Step(testParams(), init)
		if err != nil {
			t.Fatal(err)
		}
		for what, bad := range mangled(init) {
			_, s, _ := upToInit(t, name)
			if _, done, err := s.Step(testParams(), bad); err == nil || done != nil {
				t.Errorf("%s: server takes init: %s", name, what)
			}
		}
		for what, bad := range mangled(done.Reply([]byte("signature"))) {
			c, _, _ := upToInit(t, name)
			if _, done, err := c.Step(testParams(), bad); err == nil || done != nil {
				t.Errorf("%s: client takes reply: %s", name, what)
			}
		}
	}
}

func TestOrderOfCalls(t *testing.T) {
	for _, name := range []string{"curve25519-sha256", "diffie-hellman-group-exchange-sha256"} {
		c, s := begin(t, name)
		if _, err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Start(); !errors.Is(err, errStarted) {
			t.Errorf("%s: second start: %v", name, err)
		}
		c, _ = begin(t, name)
		if _, _, err := c.Step(testParams(), []byte{31}); !errors.Is(err, errNotStarted) {
			t.Errorf("%s: step before start: %v", name, err)
		}
		if _, err := c.Start(); !errors.Is(err, ErrOver) {
			t.Errorf("%s: start after an error: %v", name, err)
		}
		if _, _, err := s.Step(testParams(), []byte{99}); !errors.Is(err, ErrUnexpected) {
			t.Errorf("%s: unknown message: %v", name, err)
		}
		if _, err := s.Start(); !errors.Is(err, ErrOver) {
			t.Errorf("%s: server's start after an error: %v", name, err)
		}
	}
}

func TestParamsMustBeWhole(t *testing.T) {
	for i := range 5 {
		p := testParams()
		if i < 4 {
			*[]*[]byte{&p.ClientVersion, &p.ServerVersion, &p.ClientInit, &p.ServerInit}[i] = nil
		} else {
			p = nil
		}
		c, s, init := upToInit(t, "curve25519-sha256")
		if _, _, err := s.Step(p, init); !errors.Is(err, errParams) {
			t.Errorf("server without part %d: %v", i, err)
		}
		if _, _, err := c.Step(p, []byte{31}); !errors.Is(err, errParams) {
			t.Errorf("client without part %d: %v", i, err)
		}
	}
}

func TestBrokenRandomness(t *testing.T) {
	for _, name := range Methods() {
		c, err := NewClient(name, brokenRandom{})
		if err != nil {
			t.Fatal(err)
		}
		if msg, err := c.Start(); err == nil {
			// Group exchange needs none for its first message.
			group := wire.AppendMpint(wire.AppendMpint([]byte{msgGexGroup}, primeOf(name)), big.NewInt(2))
			if _, _, err = c.Step(nil, group); msg[0] != msgGexRequest || err == nil {
				t.Errorf("%s: client goes on without randomness", name)
			}
		}
		if _, err := c.Start(); !errors.Is(err, ErrOver) && !errors.Is(err, errStarted) {
			t.Errorf("%s: client starts again: %v", name, err)
		}
	}
	for _, name := range []string{"curve25519-sha256", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256"} {
		_, _, init := upToInit(t, name)
		s, err := NewServer(name, brokenRandom{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, done, err := s.Step(testParams(), init); err == nil || done != nil {
			t.Errorf("%s: server goes on without randomness", name)
		}
	}
	// All zero is no scalar of a NIST curve, and the draws must end.
	c, err := NewClient("ecdh-sha2-nistp256", zeros{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Start(); err == nil {
		t.Error("zero scalar taken")
	}
}
