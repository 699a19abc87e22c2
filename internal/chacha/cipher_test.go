package chacha

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"golang.org/x/crypto/chacha20"

	//lint:ignore SA1019 it is deprecated for those who can use an AEAD as it is; this construction keys it by itself
	"golang.org/x/crypto/poly1305"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newCipher(t testing.TB, key []byte) *Cipher {
	t.Helper()
	c, err := New(key)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// draft-ietf-sshm-chacha20-poly1305-01, appendix A.
func TestDraftVector(t *testing.T) {
	key := unhex(t, "8bbff6855fc102338c373e73aac0c914f076a905b2444a32eecaffeae22becc5"+
		"e9b7a7a5825a8249346ec1c28301cf394543fc7569887d76e168f37562ac0740")
	plain := unhex(t, "00000048065e00000000000000384c6f72656d20697073756d20646f6c6f7220"+
		"73697420616d65742c20636f6e7365637465747572206164697069736963696e6720656c69744e43e804dc6c")
	sealed := unhex(t, "2c3ecce4a5bc05895bf07a7ba956b6c68829ac7c83b780b7000ecde745afc705"+
		"bbc378ce03a280236b87b53bed5839662302b164b6286a48cd1e097138e3cb90"+
		"9b8b2b829dd18d2a35ff82d995349e855bf02c298ef775f2d1a7e8b8")
	const seq = 7
	c := newCipher(t, key)
	if got := c.Seal(seq, bytes.Clone(plain)); !bytes.Equal(got, sealed) {
		t.Errorf("Seal = %x, want %x", got, sealed)
	}
	if n := c.Length(seq, sealed[:4]); n != 0x48 {
		t.Errorf("Length = %#x, want 0x48", n)
	}
	got, err := c.Open(seq, bytes.Clone(sealed))
	if err != nil || !bytes.Equal(got, plain[4:]) {
		t.Errorf("Open = %x, %v, want %x", got, err, plain[4:])
	}
}

// slowSeal is PROTOCOL.chacha20poly1305 as it is written.
func slowSeal(key []byte, seq uint32, packet []byte) []byte {
	nonce := make([]byte, 12)
	binary.BigEndian.PutUint32(nonce[8:], seq)
	header, err := chacha20.NewUnauthenticatedCipher(key[32:], nonce)
	if err != nil {
		panic(err)
	}
	main, err := chacha20.NewUnauthenticatedCipher(key[:32], nonce)
	if err != nil {
		panic(err)
	}
	var polyKey [32]byte
	main.XORKeyStream(polyKey[:], polyKey[:])
	main.SetCounter(1)
	out := make([]byte, len(packet), len(packet)+16)
	header.XORKeyStream(out[:4], packet[:4])
	main.XORKeyStream(out[4:], packet[4:])
	var tag [16]byte
	poly1305.Sum(&tag, out, &polyKey)
	return append(out, tag[:]...)
}

func TestAgainstReference(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	sizes := []int{4, 5, 8, 12, 19, 20, 63, 64, 65, 67, 68, 69, 127, 128, 132, 255, 256, 260, 511, 513, 1024, 4100, 32768 + 4, 35000}
	for _, n := range sizes {
		key := random(r, KeySize)
		c := newCipher(t, key)
		for _, seq := range []uint32{0, 1, 0x01020304, 0xffffffff, r.Uint32()} {
			plain := random(r, n)
			want := slowSeal(key, seq, plain)
			packet := append(make([]byte, 0, n+Overhead), plain...)
			got := c.Seal(seq, packet)
			if !bytes.Equal(got, want) {
				t.Fatalf("%d bytes, packet %d: Seal differs from the reference", n, seq)
			}
			if &got[0] != &packet[0] {
				t.Fatal("Seal moved a packet that had room")
			}
			if l := c.Length(seq, got); l != binary.BigEndian.Uint32(plain) {
				t.Fatalf("Length = %d, want %d", l, binary.BigEndian.Uint32(plain))
			}
			payload, err := c.Open(seq, got)
			if err != nil || !bytes.Equal(payload, plain[4:]) {
				t.Fatalf("%d bytes, packet %d: Open: %v", n, seq, err)
			}
			if len(payload) > 0 && &payload[0] != &got[4] {
				t.Fatal("Open moved the payload")
			}
			if cap(payload) != len(payload) {
				t.Fatal("the payload's capacity reaches over the tag")
			}
			if !bytes.Equal(c.Seal(seq, bytes.Clone(plain)), want) {
				t.Fatal("Seal without room differs")
			}
		}
	}
}

// Bytes of the buffer after the packet and its tag belong to the next packet.
func TestSealKeepsNeighbours(t *testing.T) {
	c := newCipher(t, make([]byte, KeySize))
	buf := bytes.Repeat([]byte{0xa5}, 200)
	c.Seal(1, buf[10:110])
	if !bytes.Equal(buf[:10], bytes.Repeat([]byte{0xa5}, 10)) || !bytes.Equal(buf[126:], bytes.Repeat([]byte{0xa5}, 74)) {
		t.Error("Seal wrote outside of the packet and its tag")
	}
	c.Open(1, buf[10:126])
	if !bytes.Equal(buf[126:], bytes.Repeat([]byte{0xa5}, 74)) {
		t.Error("Open wrote outside of the packet")
	}
}

func TestForged(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	c := newCipher(t, random(r, KeySize))
	sealed := c.Seal(9, random(r, 100))
	for i := range len(sealed) * 8 {
		forged := bytes.Clone(sealed)
		forged[i/8] ^= 1 << (i % 8)
		before := bytes.Clone(forged)
		if _, err := c.Open(9, forged); !errors.Is(err, ErrOpen) {
			t.Fatalf("bit %d: %v", i, err)
		}
		if !bytes.Equal(forged, before) {
			t.Fatalf("bit %d: Open changed a forged packet", i)
		}
	}
	if _, err := c.Open(10, bytes.Clone(sealed)); !errors.Is(err, ErrOpen) {
		t.Errorf("wrong sequence number: %v", err)
	}
	for n := range 20 {
		if _, err := c.Open(9, sealed[:n]); !errors.Is(err, ErrOpen) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := c.Open(9, sealed); err != nil {
		t.Errorf("the packet itself: %v", err)
	}
}

func TestKeySize(t *testing.T) {
	for _, n := range []int{0, 32, 63, 65} {
		if _, err := New(make([]byte, n)); err == nil {
			t.Errorf("a key of %d bytes was taken", n)
		}
	}
}

func TestAllocations(t *testing.T) {
	c := newCipher(t, make([]byte, KeySize))
	packet := make([]byte, 1000, 1000+Overhead)
	n := testing.AllocsPerRun(100, func() {
		sealed := c.Seal(3, packet)
		c.Length(3, sealed)
		if _, err := c.Open(3, sealed); err != nil {
			t.Fatal(err)
		}
		sealed[40] ^= 1
		if _, err := c.Open(3, sealed); err == nil {
			t.Fatal("opened")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(uint32(7), []byte("00000000000000000000"))
	f.Add(uint32(0), []byte("short"))
	key := bytes.Repeat([]byte{7}, KeySize)
	c := newCipher(f, key)
	f.Add(uint32(5), c.Seal(5, []byte("0000payload")))
	f.Fuzz(func(t *testing.T, seq uint32, packet []byte) {
		sealed := bytes.Clone(packet)
		payload, err := c.Open(seq, packet)
		if err != nil {
			return
		}
		plain := binary.BigEndian.AppendUint32(nil, c.Length(seq, sealed))
		if !bytes.Equal(slowSeal(key, seq, append(plain, payload...)), sealed) {
			t.Fatal("opened what the reference would not have sealed")
		}
	})
}

var benchSizes = []int{64, 1024, 32 << 10}

func BenchmarkSeal(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCipher(b, make([]byte, KeySize))
			packet := make([]byte, LengthSize+n, LengthSize+n+Overhead)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			seq := uint32(0)
			for b.Loop() {
				c.Seal(seq, packet)
				seq++
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range benchSizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCipher(b, make([]byte, KeySize))
			sealed := c.Seal(1, make([]byte, LengthSize+n))
			packet := make([]byte, len(sealed))
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				copy(packet, sealed)
				c.Length(1, packet)
				if _, err := c.Open(1, packet); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
