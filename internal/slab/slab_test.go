package slab

import "testing"

func TestCounts(t *testing.T) {
	before := Out()
	s := Get(100)
	if len(s.Bytes()) != Small || s.Shared() {
		t.Fatalf("fresh slab: %d bytes, shared %v", len(s.Bytes()), s.Shared())
	}
	s.Hold()
	if !s.Shared() {
		t.Fatal("held slab is not shared")
	}
	s.Release()
	if Out() != before+1 {
		t.Fatalf("out = %d while one is held", Out()-before)
	}
	s.Release()
	if Out() != before {
		t.Fatalf("out = %d after the last release", Out()-before)
	}
	defer func() {
		if recover() == nil {
			t.Fatal("one release too many went unnoticed")
		}
	}()
	s.Release()
}

func TestClasses(t *testing.T) {
	s := Get(Small + 1)
	defer s.Release()
	if len(s.Bytes()) != Large {
		t.Fatalf("%d bytes", len(s.Bytes()))
	}
	defer func() {
		if recover() == nil {
			t.Fatal("a request above Large was served")
		}
	}()
	Get(Large + 1)
}
