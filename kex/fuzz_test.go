package kex

import (
	"bytes"
	"testing"
)

// seed gives each method's own messages, so that the fuzzer starts from real
// ones. first is nil where the fuzzed message is the side's first.
func seed(f *testing.F, client bool) {
	for i, name := range Methods() {
		_, s, init := upToInit(f, name)
		msg := init
		if client {
			_, done, err := s.Step(testParams(), init)
			if err != nil {
				f.Fatal(err)
			}
			msg = done.Reply([]byte("signature"))
		}
		f.Add(byte(i), false, msg)
		f.Add(byte(i), true, request(2048, 2048, 8192))
		d := fixedGroup{group14}.group()
		f.Add(byte(i), true, append(append([]byte{msgGexGroup}, appendMpints(d)...), 0))
	}
}

func appendMpints(d *group) []byte {
	return sizes{}.hashed(d.p, d.g)[12:]
}

// exactlyOnce checks what every answer must keep: an error comes alone, and a
// completed or failed exchange takes no more.
func exactlyOnce(t *testing.T, x Exchange, msg []byte) {
	before := bytes.Clone(msg)
	send, done, err := x.Step(testParams(), msg)
	if !bytes.Equal(msg, before) {
		t.Fatal("step changes its input")
	}
	if err != nil && (send != nil || done != nil) || err == nil && send == nil && done == nil {
		t.Fatalf("step gives %d bytes, %v, %v", len(send), done, err)
	}
	if done != nil && len(done.H) != done.Hash.Size() {
		t.Fatal("result without a hash")
	}
	if err != nil || done != nil {
		if _, _, err := x.Step(testParams(), msg); err == nil {
			t.Fatal("goes on after its end")
		}
	}
}

func FuzzServerStep(f *testing.F) {
	seed(f, false)
	f.Fuzz(func(t *testing.T, method byte, first bool, msg []byte) {
		name := Methods()[int(method)%len(Methods())]
		_, s := begin(t, name)
		if !first {
			_, s, _ = upToInit(t, name)
		}
		exactlyOnce(t, s, msg)
	})
}

func FuzzClientStep(f *testing.F) {
	seed(f, true)
	f.Fuzz(func(t *testing.T, method byte, first bool, msg []byte) {
		name := Methods()[int(method)%len(Methods())]
		c, _ := begin(t, name)
		if first {
			if _, err := c.Start(); err != nil {
				t.Fatal(err)
			}
		} else {
			c, _, _ = upToInit(t, name)
		}
		exactlyOnce(t, c, msg)
	})
}
