package packet

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

// combos are all ciphers with all MACs.
func combos() [][2]string {
	var list [][2]string
	for _, c := range Ciphers() {
		if Authenticates(c) {
			list = append(list, [2]string{c, ""})
			continue
		}
		for _, m := range MACs() {
			list = append(list, [2]string{c, m})
		}
	}
	return list
}

func newPair(t testing.TB, cipher, mac string) (Sealer, Opener, Keys) {
	t.Helper()
	iv, key, mk, err := Sizes(cipher, mac)
	if err != nil {
		t.Fatal(err)
	}
	k := Keys{make([]byte, iv), make([]byte, key), make([]byte, mk)}
	rand.Read(k.IV)
	rand.Read(k.Key)
	rand.Read(k.MAC)
	s, err := NewSealer(cipher, mac, k)
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOpener(cipher, mac, k)
	if err != nil {
		t.Fatal(err)
	}
	return s, o, k
}

func seal(s Sealer, payload []byte, seq uint32) []byte {
	b := make([]byte, Head+len(payload)+Tail)
	copy(b[Head:], payload)
	return b[:s.Seal(b, len(payload), seq)]
}

func open(o Opener, b []byte, seq uint32) ([]byte, error) {
	n, err := o.Peek(b, seq)
	if err != nil {
		return nil, err
	}
	if n != len(b) {
		return nil, fmt.Errorf("peek says %d bytes of %d", n, len(b))
	}
	return o.Open(b, seq)
}

var sizes = []int{1, 2, 7, 8, 11, 12, 15, 16, 17, 100, 1000, 32 << 10, wire.MaxPayload}

func TestRoundTrip(t *testing.T) {
	for _, c := range combos() {
		t.Run(c[0]+"+"+c[1], func(t *testing.T) {
			s, o, _ := newPair(t, c[0], c[1])
			seq := uint32(1<<32 - 3)
			for _, n := range sizes {
				want := make([]byte, n)
				rand.Read(want)
				got, err := open(o, seal(s, want, seq), seq)
				if err != nil || !bytes.Equal(got, want) {
					t.Fatalf("%d bytes: %v", n, err)
				}
				seq++
			}
		})
	}
}

// An opener or sealer made from an exported IV carries on where the first stood.
func TestExportedIV(t *testing.T) {
	for _, c := range combos() {
		s, o, k := newPair(t, c[0], c[1])
		for seq := range uint32(5) {
			if _, err := open(o, seal(s, []byte("some payload before the move"), seq), seq); err != nil {
				t.Fatal(err)
			}
		}
		ks, ko := k, k
		ks.IV, ko.IV = s.IV(), o.IV()
		if ks.IV == nil {
			ks.IV, ko.IV = k.IV, k.IV
		}
		s2, err := NewSealer(c[0], c[1], ks)
		if err != nil {
			t.Fatal(err)
		}
		o2, err := NewOpener(c[0], c[1], ko)
		if err != nil {
			t.Fatal(err)
		}
		got, err := open(o2, seal(s2, []byte("after"), 5), 5)
		if err != nil || string(got) != "after" {
			t.Fatalf("%v: %q, %v", c, got, err)
		}
		// The old sealer and the new one stand in the same place.
		if got, err = open(o, seal(s, []byte("after"), 5), 5); err != nil || string(got) != "after" {
			t.Fatalf("%v: %q, %v", c, got, err)
		}
	}
}

// Every flipped bit and every wrong sequence number is noticed, in every mode.
func TestDamage(t *testing.T) {
	for _, c := range combos() {
		s, _, k := newPair(t, c[0], c[1])
		good := seal(s, []byte("attack at dawn"), 7)
		for bit := range len(good) * 8 {
			bad := bytes.Clone(good)
			bad[bit/8] ^= 1 << (bit % 8)
			o, err := NewOpener(c[0], c[1], k)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := open(o, bad, 7); err == nil {
				t.Fatalf("%v: flipped bit %d gives %q", c, bit, got)
			}
		}
		o, _ := NewOpener(c[0], c[1], k)
		if c[0] != aes128gcm.name && c[0] != aes256gcm.name { // GCM counts by itself
			if _, err := open(o, bytes.Clone(good), 8); err == nil {
				t.Fatalf("%v: a wrong sequence number went unnoticed", c)
			}
		}
	}
}

// Lengths of 0, 1, the maximum and beyond are refused before anything is read
// for them.
func TestLengths(t *testing.T) {
	for _, length := range []uint32{0, 1, 4, wire.MaxPacket + 1, 1 << 31, 1<<32 - 1} {
		b := wire.AppendUint32(nil, length)
		b = append(b, make([]byte, 12)...)
		for _, o := range []Opener{NewPlainOpener(), &gcm{}, &etm{block: 16}} {
			if n, err := o.Peek(b, 0); err == nil {
				t.Fatalf("%T takes a packet_length of %d (%d bytes)", o, length, n)
			}
		}
	}
}

// Padding that leaves no payload is refused.
func TestNoPayload(t *testing.T) {
	for _, pad := range []byte{0, 3, 11, 255} {
		b := append(wire.AppendUint32(nil, 12), pad)
		b = append(b, make([]byte, 11)...)
		if p, err := NewPlainOpener().Open(b, 0); err == nil {
			t.Fatalf("padding %d: payload %q", pad, p)
		}
	}
}

// With CBC a wrong length must look like a wrong MAC (CPNI-957037).
func TestCBCHidesLength(t *testing.T) {
	_, o, _ := newPair(t, "aes128-cbc", "hmac-sha2-256")
	junk := make([]byte, wire.MaxPacket+100)
	rand.Read(junk)
	n, err := o.Peek(junk[:16], 0)
	if err != nil || n < wire.MaxPacket/2 {
		t.Fatalf("peek: %d, %v", n, err)
	}
	if _, err := o.Open(junk[:n], 0); err != ErrMAC {
		t.Fatalf("open: %v", err)
	}
}

func TestNoAllocations(t *testing.T) {
	for _, c := range combos() {
		s, o, _ := newPair(t, c[0], c[1])
		b := make([]byte, Head+32<<10+Tail)
		seq := uint32(0)
		if n := testing.AllocsPerRun(20, func() {
			wire := s.Seal(b, 32<<10, seq)
			if n, err := o.Peek(b[:wire], seq); err != nil || n != wire {
				t.Fatal(n, err)
			}
			if _, err := o.Open(b[:wire], seq); err != nil {
				t.Fatal(err)
			}
			seq++
		}); n > 0 {
			t.Errorf("%v: %v allocations a packet", c, n)
		}
	}
}

func FuzzOpen(f *testing.F) {
	list := combos()
	for i, c := range list {
		s, _, _ := newPair(f, c[0], c[1])
		f.Add(uint8(i), seal(s, []byte("seed"), 0))
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		c := list[int(which)%len(list)]
		_, o, _ := newPair(t, c[0], c[1])
		n, err := o.Peek(b, 0)
		if err != nil || n == 0 || n > len(b) {
			return
		}
		if p, err := o.Open(b[:n], 0); err == nil && len(p) == 0 {
			t.Fatal("an empty payload came through")
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	for _, c := range [][2]string{{"aes128-gcm@openssh.com", ""}, {"chacha20-poly1305@openssh.com", ""}, {"aes128-ctr", "umac-64-etm@openssh.com"}, {"aes128-ctr", "hmac-sha2-256-etm@openssh.com"}} {
		b.Run(c[0]+"+"+c[1], func(b *testing.B) {
			s, _, _ := newPair(b, c[0], c[1])
			buf := make([]byte, Head+32<<10+Tail)
			b.SetBytes(32 << 10)
			for b.Loop() {
				s.Seal(buf, 32<<10, 0)
			}
		})
	}
}
