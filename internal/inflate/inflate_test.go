package inflate

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

const noLimit = 1 << 30

type packet struct {
	src  []byte
	size int
	sum  string
}

type stream struct {
	name    string
	packets []packet
}

// recorded returns what zlib sends: see testdata/record.py.
func recorded(t testing.TB) []stream {
	t.Helper()
	data, err := os.ReadFile("testdata/streams.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []stream
	for line := range strings.Lines(string(data)) {
		if name, ok := strings.CutPrefix(line, "stream "); ok {
			out = append(out, stream{name: strings.TrimSpace(name)})
			continue
		}
		var p packet
		var src string
		if _, err := fmt.Sscan(line, &src, &p.size, &p.sum); err != nil {
			t.Fatal(err)
		}
		if src != "-" {
			if p.src, err = hex.DecodeString(src); err != nil {
				t.Fatal(err)
			}
		}
		s := &out[len(out)-1]
		s.packets = append(s.packets, p)
	}
	if len(out) != 15 {
		t.Fatalf("%d streams, want 15", len(out))
	}
	return out
}

func (p packet) check(t *testing.T, got []byte, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(got); len(got) != p.size || hex.EncodeToString(sum[:]) != p.sum {
		t.Fatalf("%d bytes with hash %x, want %d with %s", len(got), sum, p.size, p.sum)
	}
}

func TestRecorded(t *testing.T) {
	for _, s := range recorded(t) {
		t.Run(s.name, func(t *testing.T) {
			var r Reader
			for _, p := range s.packets {
				src := bytes.Clone(p.src)
				got, err := r.Inflate(nil, src, p.size)
				p.check(t, got, err)
				clear(src) // it belongs to the caller again
				clear(got)
			}
		})
	}
}

func TestByteAtATime(t *testing.T) {
	for _, s := range recorded(t) {
		t.Run(s.name, func(t *testing.T) {
			var r Reader
			for _, p := range s.packets {
				var got []byte
				var err error
				for i := range p.src {
					if got, err = r.Inflate(got, p.src[i:i+1], noLimit); err != nil {
						t.Fatalf("byte %d: %v", i, err)
					}
				}
				p.check(t, got, err)
			}
		})
	}
}

// A packet cut anywhere yields a part of its payload, and the rest the rest.
func TestTruncated(t *testing.T) {
	for _, s := range recorded(t) {
		if !strings.HasPrefix(s.name, "typing") && !strings.HasPrefix(s.name, "mixed") {
			continue
		}
		src := s.packets[0].src
		var r Reader
		whole, err := r.Inflate(nil, src, noLimit)
		if err != nil {
			t.Fatal(err)
		}
		for n := range src {
			var r Reader
			head, err := r.Inflate(nil, src[:n], noLimit)
			if err != nil || !bytes.HasPrefix(whole, head) {
				t.Fatalf("%s, %d bytes: %q, %v", s.name, n, head, err)
			}
			got, err := r.Inflate(bytes.Clone(head), src[n:], noLimit)
			if err != nil || !bytes.Equal(got, whole) {
				t.Fatalf("%s, the rest after %d bytes: %q, %v", s.name, n, got, err)
			}
		}
	}
}

// sample is text with repetitions near and far.
func sample(r *rand.Rand, n int) []byte {
	var out []byte
	for len(out) < n {
		switch r.IntN(4) {
		case 0:
			out = append(out, bytes.Repeat([]byte{byte(r.IntN(256))}, r.IntN(400))...)
		case 1:
			for range r.IntN(300) {
				out = append(out, byte(r.IntN(256)))
			}
		case 2:
			for range r.IntN(2000) {
				out = append(out, byte('a'+r.IntN(12)))
			}
		default:
			if len(out) > 0 {
				from := max(0, len(out)-1-r.IntN(windowSize))
				out = append(out, out[from:min(len(out), from+r.IntN(1000))]...)
			}
		}
	}
	return out[:n]
}

func TestAgainstFlate(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	for _, level := range []int{flate.HuffmanOnly, flate.NoCompression, flate.BestSpeed, 4, 6, flate.BestCompression} {
		var z bytes.Buffer
		w, err := zlib.NewWriterLevel(&z, level)
		if err != nil {
			t.Fatal(err)
		}
		var rd Reader
		for range 30 {
			want := sample(r, r.IntN(20000))
			z.Reset()
			if _, err := w.Write(want); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			got := []byte("head")
			for src := z.Bytes(); len(src) > 0; {
				n := 1 + r.IntN(len(src))
				if got, err = rd.Inflate(got, src[:n], noLimit); err != nil {
					t.Fatal(err)
				}
				src = src[n:]
			}
			if string(got[:4]) != "head" || !bytes.Equal(got[4:], want) {
				t.Fatalf("level %d: payload differs", level)
			}
		}
	}
}

func TestLimit(t *testing.T) {
	for _, payload := range [][]byte{
		make([]byte, 1<<20),
		[]byte("some text without repetition"),
		sample(rand.New(rand.NewPCG(1, 1)), 5000),
	} {
		for _, level := range []int{flate.NoCompression, flate.HuffmanOnly, flate.BestCompression} {
			var z bytes.Buffer
			w, err := zlib.NewWriterLevel(&z, level)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(payload); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
			var exact Reader
			dst := []byte("head")
			if got, err := exact.Inflate(dst, z.Bytes(), len(payload)); err != nil || len(got) != 4+len(payload) {
				t.Errorf("%d bytes of %d: %v", len(got), len(payload), err)
			}
			for _, max := range []int{len(payload) - 1, 10, 1, 0, -1, math.MinInt} {
				var r Reader
				got, err := r.Inflate(dst, z.Bytes(), max)
				if !errors.Is(err, ErrTooLarge) || string(got) != "head" {
					t.Errorf("at most %d of %d bytes: %d, %v", max, len(payload), len(got), err)
				}
				if _, err := r.Inflate(nil, nil, noLimit); !errors.Is(err, ErrTooLarge) {
					t.Errorf("the error did not stay: %v", err)
				}
			}
		}
	}
}

// A bomb must not take much more memory than it may expand to.
func TestBombMemory(t *testing.T) {
	var z bytes.Buffer
	w := zlib.NewWriter(&z)
	if _, err := w.Write(make([]byte, 32<<20)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var r Reader
	const limit = 100_000
	s := &state{next: (*state).zlibHeader}
	r.s = s
	if _, err := r.Inflate(nil, z.Bytes(), limit); !errors.Is(err, ErrTooLarge) {
		t.Fatal(err)
	}
	if len(s.out) > limit || cap(s.out) > 2*limit {
		t.Errorf("%d bytes in %d of memory", len(s.out), cap(s.out))
	}
}

// bitWriter writes a stream by hand, after a good header.
type bitWriter struct {
	out []byte
	n   uint
}

func (w *bitWriter) bits(v, n uint) *bitWriter {
	for i := range n {
		if w.n%8 == 0 {
			w.out = append(w.out, 0)
		}
		w.out[len(w.out)-1] |= byte(v>>i&1) << (w.n % 8)
		w.n++
	}
	return w
}

// word writes a code word, which comes with its highest bit first.
func (w *bitWriter) word(v, n uint) *bitWriter {
	for i := range n {
		w.bits(v>>(n-1-i)&1, 1)
	}
	return w
}

func byHand() *bitWriter { return new(bitWriter).bits(0x9c78, 16) }

func fixedBlock() *bitWriter { return byHand().bits(0, 1).bits(1, 2) }

// dynamicBlock writes a dynamic block's header with a code for the lengths: the
// lengths of its symbols 16, 17, 18, 0, 8, 7, 9 …, in that order.
func dynamicBlock(nlit, ndist uint, lengths ...uint) *bitWriter {
	w := byHand().bits(0, 1).bits(2, 2).bits(nlit-257, 5).bits(ndist-1, 5).bits(uint(len(lengths))-4, 4)
	for _, n := range lengths {
		w.bits(n, 3)
	}
	return w
}

// lengthsOf01 is a code for the lengths in which 0 is "0", 1 is "10" and 18 is "11".
var lengthsOf01 = []uint{0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}

// zeros writes n lengths 0 in lengthsOf01; n is 11 to 138.
func (w *bitWriter) zeros(n uint) *bitWriter { return w.word(3, 2).bits(n-11, 7) }

func TestCorrupt(t *testing.T) {
	plain := func(b ...byte) []byte { return b }
	tests := []struct {
		name string
		src  []byte
	}{
		{"method", plain(0x79, 0x9b)},
		{"window", plain(0x88, 0x1c)},
		{"check bits", plain(0x78, 0x9d)},
		{"dictionary", plain(0x78, 0xbb)},
		{"final block", byHand().bits(1, 1).bits(1, 2).out},
		{"reserved type", byHand().bits(0, 1).bits(3, 2).out},
		{"stored length", append(byHand().bits(0, 3).out, 5, 0, 5, 0)},
		{"length symbol 286", fixedBlock().word(0xc6, 8).bits(0, 16).out},
		{"length symbol 287", fixedBlock().word(0xc7, 8).bits(0, 16).out},
		{"distance symbol 30", fixedBlock().word(0x30, 8).word(1, 7).word(30, 5).bits(0, 16).out},
		{"distance symbol 31", fixedBlock().word(0x30, 8).word(1, 7).word(31, 5).bits(0, 16).out},
		{"nothing to match", fixedBlock().word(1, 7).word(0, 5).bits(0, 16).out},
		{"match too far", fixedBlock().word(0x30, 8).word(1, 7).word(1, 5).bits(0, 16).out},
		{"287 literals", dynamicBlock(287, 1, lengthsOf01...).out},
		{"31 distances", dynamicBlock(257, 31, lengthsOf01...).out},
		{"no code for the lengths", dynamicBlock(257, 1, 0, 0, 0, 0).out},
		{"incomplete code for the lengths", dynamicBlock(257, 1, 0, 0, 0, 1).out},
		{"oversubscribed code for the lengths", dynamicBlock(257, 1, 1, 1, 1, 0).out},
		{"repeat of nothing", dynamicBlock(257, 1, 1, 0, 0, 1).word(1, 1).bits(0, 2).out},
		{"too many lengths", dynamicBlock(257, 1, lengthsOf01...).zeros(138).zeros(138).out},
		{"no end of block", dynamicBlock(257, 1, lengthsOf01...).zeros(138).zeros(118).word(0, 1).word(0, 1).out},
		{"oversubscribed literals", dynamicBlock(257, 1, lengthsOf01...).word(2, 2).word(2, 2).zeros(138).zeros(116).word(2, 2).word(0, 1).out},
		{"incomplete distances", dynamicBlock(257, 2,
			0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2).
			zeros(138).zeros(118).word(1, 2).word(2, 2).word(0, 2).out},
		{"unused word", dynamicBlock(257, 1, lengthsOf01...).zeros(138).zeros(118).word(2, 2).word(0, 1).word(1, 1).bits(0x7fff, 15).out},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			dst := []byte("head")
			got, err := r.Inflate(dst, test.src, noLimit)
			if !errors.Is(err, ErrCorrupt) || string(got) != "head" {
				t.Errorf("Inflate = %q, %v", got, err)
			}
			if _, err := r.Inflate(nil, []byte{0}, noLimit); !errors.Is(err, ErrCorrupt) {
				t.Errorf("the error did not stay: %v", err)
			}
		})
	}
}

// What zlib takes although it is odd.
func TestOdd(t *testing.T) {
	tests := []struct {
		name string
		src  []byte
		want string
	}{
		{"only an end", dynamicBlock(257, 1, lengthsOf01...).zeros(138).zeros(118).word(2, 2).word(0, 1).
			word(0, 1).bits(0, 1).bits(1, 2).word(0x30+'x', 8).out, "x"},
		{"empty stored block", append(append(byHand().bits(0, 3).out, 0, 0, 0xff, 0xff, 0, 2, 0, 0xfd, 0xff), "ok"...), "ok"},
		{"match of a match", fixedBlock().word(0x30+'a', 8).word(2, 7).word(0, 5).word(0x30+'b', 8).word(3, 7).word(4, 5).bits(0, 1).out, "aaaaabaaaab"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var r Reader
			got, err := r.Inflate(nil, test.src, noLimit)
			if err != nil || string(got) != test.want {
				t.Errorf("Inflate = %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

func TestWindowEdge(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	first := make([]byte, windowSize)
	for i := range first {
		first[i] = byte(r.IntN(256))
	}
	stored := byHand().bits(0, 3).out
	stored = append(stored, 0, 0x80, 0xff, 0x7f)
	stored = append(stored, first...)
	var rd Reader
	if got, err := rd.Inflate(nil, stored, windowSize); err != nil || !bytes.Equal(got, first) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	// Three bytes from 32768 back, twice: the second reaches a byte further on.
	match := new(bitWriter).bits(0, 1).bits(1, 2)
	for range 2 {
		match.word(1, 7).word(29, 5).bits(0x1fff, 13)
	}
	got, err := rd.Inflate(nil, match.bits(0, 16).out, 6)
	if err != nil || !bytes.Equal(got, first[:6]) {
		t.Errorf("%x, %v, want %x", got, err, first[:6])
	}
}

func TestWriter(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	var w Writer
	var rd Reader
	var all, sent bytes.Buffer
	for range 50 {
		payload := sample(r, r.IntN(40000))
		src, err := w.Deflate([]byte("head"), payload)
		if err != nil || string(src[:4]) != "head" {
			t.Fatal(err)
		}
		got, err := rd.Inflate(nil, src[4:], len(payload))
		if err != nil || !bytes.Equal(got, payload) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(payload), err)
		}
		all.Write(payload)
		sent.Write(src[4:])
	}
	z, err := zlib.NewReader(&sent)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Equal(got, all.Bytes()) {
		t.Errorf("compress/zlib reads %d bytes of %d, %v", len(got), all.Len(), err)
	}
}

func TestAllocations(t *testing.T) {
	var w Writer
	var r Reader
	payload := bytes.Repeat([]byte("some payload "), 50)
	src, dst := make([]byte, 0, 2000), make([]byte, 0, 2000)
	run := func() {
		piece, err := w.Deflate(src[:0], payload)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Inflate(dst[:0], piece, len(payload)); err != nil {
			t.Fatal(err)
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func FuzzInflate(f *testing.F) {
	for _, s := range recorded(f) {
		f.Add(s.packets[0].src, uint16(1))
		if len(s.packets[2].src) < 2000 {
			f.Add(append(append(bytes.Clone(s.packets[0].src), s.packets[1].src...), s.packets[2].src...), uint16(7))
		}
	}
	f.Add(dynamicBlock(257, 1, lengthsOf01...).zeros(138).zeros(118).word(2, 2).word(0, 1).bits(0, 16).out, uint16(3))
	f.Fuzz(func(t *testing.T, src []byte, step uint16) {
		if len(src) > 1<<13 {
			return
		}
		var one, many Reader
		want, wantErr := one.Inflate(nil, src, noLimit)
		var got []byte
		var gotErr error
		for rest := src; len(rest) > 0 && gotErr == nil; {
			n := min(len(rest), int(step)+1)
			got, gotErr = many.Inflate(got, rest[:n], noLimit)
			rest = rest[n:]
		}
		if gotErr != wantErr {
			t.Fatalf("in pieces %v, at once %v", gotErr, wantErr)
		}
		if wantErr != nil {
			return
		}
		if !bytes.Equal(got, want) {
			t.Fatal("the pieces differ from the whole")
		}
		z, err := zlib.NewReader(bytes.NewReader(src))
		if err != nil {
			if len(src) >= 2 {
				t.Fatalf("compress/zlib refuses the header: %v", err)
			}
			return
		}
		std, err := io.ReadAll(z)
		if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.HasPrefix(want, std) {
			t.Fatalf("compress/zlib reads %d bytes, %v, where Inflate reads %d", len(std), err, len(want))
		}
	})
}

// Any bytes may come in the middle of a stream, with a window behind them.
func FuzzInflateMore(f *testing.F) {
	f.Add([]byte{0x4a, 0x4c, 0x4a, 0x4e, 0x49, 0x4d, 0x03, 0x00}, 100)
	f.Add(new(bitWriter).bits(0, 1).bits(1, 2).word(1, 7).word(29, 5).bits(0x1fff, 13).out, 40000)
	f.Fuzz(func(t *testing.T, src []byte, limit int) {
		limit = min(limit, 1<<20)
		var r Reader
		first, err := r.Inflate(nil, append(append(byHand().bits(0, 3).out, 4, 0, 0xfb, 0xff), "abcd"...), 4)
		if err != nil || string(first) != "abcd" {
			t.Fatal(err)
		}
		got, err := r.Inflate(nil, src, limit)
		if err == nil && len(got) > max(limit, 0) {
			t.Fatalf("%d bytes, and %d are allowed", len(got), limit)
		}
	})
}

func benchText(n int) []byte {
	r := rand.New(rand.NewPCG(15, 16))
	words := strings.Fields("channel window data packet close open request reply shell exec subsystem sftp of the and to a in that")
	var out []byte
	for len(out) < n {
		out = append(append(out, words[r.IntN(len(words))]...), ' ')
	}
	return out[:n]
}

func BenchmarkInflate(b *testing.B) {
	payload := benchText(32 << 10)
	var w Writer
	head, err := w.Deflate(nil, payload)
	if err != nil {
		b.Fatal(err)
	}
	piece, err := w.Deflate(nil, payload)
	if err != nil {
		b.Fatal(err)
	}
	var r Reader
	dst, err := r.Inflate(nil, head, noLimit)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		// A piece repeats what is one payload back, which is the piece before.
		if _, err := r.Inflate(dst[:0], piece, noLimit); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInflateLiterals(b *testing.B) {
	payload := benchText(32 << 10)
	var z bytes.Buffer
	w, err := zlib.NewWriterLevel(&z, flate.HuffmanOnly)
	if err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	var r Reader
	if _, err := r.Inflate(nil, z.Bytes(), noLimit); err != nil {
		b.Fatal(err)
	}
	z.Reset()
	if _, err := w.Write(payload); err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	dst := make([]byte, 0, len(payload))
	b.SetBytes(int64(len(payload)))
	for b.Loop() {
		if _, err := r.Inflate(dst, z.Bytes(), noLimit); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDeflate(b *testing.B) {
	payload := benchText(32 << 10)
	var w Writer
	dst, err := w.Deflate(nil, payload)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.Deflate(dst[:0], payload); err != nil {
			b.Fatal(err)
		}
	}
}

// What a keystroke or a line of a log costs: a small packet each.
func BenchmarkSmall(b *testing.B) {
	var w Writer
	var r Reader
	var src, dst []byte
	var err error
	line := []byte("Nov 21 02:43:47 host program[1234]: connection from somewhere closed")
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if src, err = w.Deflate(src[:0], line); err != nil {
			b.Fatal(err)
		}
		if dst, err = r.Inflate(dst[:0], src, 100); err != nil {
			b.Fatal(err)
		}
	}
}
