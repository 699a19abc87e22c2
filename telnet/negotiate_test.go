package telnet

import (
	"math/rand/v2"
	"testing"
)

// The rows of RFC 1143, section 7, that are easy to get wrong.
func TestHalf(t *testing.T) {
	for _, test := range []struct {
		name  string
		steps func(h *half) say // returns what the last step told
		to    half
		tell  say
	}{
		{"refused proposal", func(h *half) say { return h.hear(true, false) }, isNo, no},
		{"accepted proposal", func(h *half) say { return h.hear(true, true) }, isYes, yes},
		{"confirmation", func(h *half) say { h.ask(true); return h.hear(true, false) }, isYes, nothing},
		{"refusal", func(h *half) say { h.ask(true); return h.hear(false, true) }, isNo, nothing},
		{"repeated", func(h *half) say { h.hear(true, true); return h.hear(true, true) }, isYes, nothing},
		{"ended", func(h *half) say { h.hear(true, true); return h.hear(false, true) }, isNo, no},
		{"changed mind", func(h *half) say { h.ask(true); h.ask(false); return h.hear(true, true) }, wantNo, no},
		{"changed mind, refused", func(h *half) say { h.ask(true); h.ask(false); return h.hear(false, true) }, isNo, nothing},
		{"changed mind twice", func(h *half) say { h.ask(true); h.ask(false); return h.ask(true) }, wantYes, nothing},
		{"end, and again", func(h *half) say { h.hear(true, true); h.ask(false); h.ask(true); return h.hear(false, true) }, wantYes, yes},
		{"end answered wrongly", func(h *half) say { h.hear(true, true); h.ask(false); return h.hear(true, true) }, isNo, nothing},
	} {
		var h half
		if tell := test.steps(&h); h != test.to || tell != test.tell {
			t.Errorf("%s: state %d, told %d, want %d and %d", test.name, h, tell, test.to, test.tell)
		}
	}
}

// Two sides that change their minds at random come to rest, and agree.
func TestHalvesComeToRest(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		var us, them half
		var toThem, toUs []bool // on the wire
		send := func(wire *[]bool, s say) {
			if s != nothing {
				*wire = append(*wire, s == yes)
			}
		}
		for range random.IntN(8) {
			if random.IntN(2) == 0 {
				send(&toThem, us.ask(random.IntN(2) == 0))
			} else {
				send(&toUs, them.ask(random.IntN(2) == 0))
			}
			if random.IntN(2) == 0 && len(toUs) > 0 {
				send(&toThem, us.hear(toUs[0], true))
				toUs = toUs[1:]
			}
		}
		for turns := 0; len(toUs)+len(toThem) > 0; turns++ {
			if turns > 100 {
				t.Fatal("the two sides keep answering each other")
			}
			if len(toUs) > 0 {
				send(&toThem, us.hear(toUs[0], true))
				toUs = toUs[1:]
			}
			if len(toThem) > 0 {
				send(&toUs, them.hear(toThem[0], true))
				toThem = toThem[1:]
			}
		}
		if us != them || us != isYes && us != isNo {
			t.Fatalf("at rest one side has %d, the other %d", us, them)
		}
	}
}
