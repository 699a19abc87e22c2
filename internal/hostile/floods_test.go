package hostile

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// What a flood may take, with the connection's own buffers and the collector's
// slack. Goroutines: one for each channel that may be open, and some.
const (
	floodHeap       = 12 << 20
	floodGoroutines = 64 + 16
)

// A flood is one message again and again.
type flood struct {
	name    string
	state   int
	message func(i int) []byte
	count   int          // 0: 12000
	fair    int          // how many a peer that reads may send at a go; 0: count
	reads   fate         // what becomes of a peer that reads
	answers [2]int       // number of a reply that must have come that often; 0 none
	open    bool         // a channel is open: theirs is ours[0]
	change  func(*stack) // the victim's configuration
}

func msg(n byte, fields ...any) []byte {
	b := []byte{n}
	for _, f := range fields {
		switch f := f.(type) {
		case string:
			b = wire.AppendString(b, f)
		case int:
			b = wire.AppendUint32(b, uint32(f))
		case bool:
			b = wire.AppendBool(b, f)
		default:
			panic("hostile: a field is string, int or bool")
		}
	}
	return b
}

func same(m []byte) func(int) []byte { return func(int) []byte { return m } }

// stuck keeps handlers from ending until the test is over.
func stuck(t *testing.T) chan struct{} {
	c := make(chan struct{})
	t.Cleanup(func() { close(c) })
	return c
}

func floods(t *testing.T) []flood {
	wait := stuck(t)
	big := string(make([]byte, 200<<10))
	stuckRequests := func(s *stack) {
		s.mux.Open = func(in *mux.Incoming) {
			in.Accept(nil, mux.Options{Requests: func(*mux.Request) { <-wait }})
		}
		s.mux.Global = func(*mux.GlobalRequest) { <-wait }
	}
	neverDecides := func(s *stack) { s.mux.Open = func(*mux.Incoming) { <-wait } }
	refuses := func(s *stack) { s.mux.Open = func(in *mux.Incoming) { in.Reject(wire.OpenProhibited, "no") } }
	list := []flood{
		{name: "replies to requests that nobody made", state: open, message: same(msg(wire.MsgRequestFailure)), reads: lives},
		{name: "successes of requests that nobody made", state: open, message: same(msg(wire.MsgRequestSuccess, big)), count: 50, reads: lives},
		{name: "channel replies that nobody asked for", state: open, open: true, message: same(msg(wire.MsgChannelSuccess, 0)), reads: lives},
		{name: "channel replies to no channel", state: open, message: same(msg(wire.MsgChannelFailure, 9)), reads: dies},
		{name: "confirmations of no channel", state: open, message: same(msg(wire.MsgChannelOpenConfirm, 0, 0, 1, 1)), reads: dies},
		{name: "confirmations of an open channel", state: open, open: true, message: same(msg(wire.MsgChannelOpenConfirm, 0, 0, 1, 1)), reads: dies},
		{name: "refusals of an open channel", state: open, open: true, message: same(msg(wire.MsgChannelOpenFailure, 0, 1, "", "")), reads: dies},
		{name: "opens, accepted", state: open, fair: 3000, message: same(msg(wire.MsgChannelOpen, "session", 7, 1<<20, 1<<15)), reads: lives},
		{name: "opens, refused", state: open, change: refuses, message: same(msg(wire.MsgChannelOpen, "session", 7, 1<<20, 1<<15)), fair: 3000, reads: lives, answers: [2]int{wire.MsgChannelOpenFailure, 2900}},
		{name: "opens, undecided", state: open, change: neverDecides, message: same(msg(wire.MsgChannelOpen, "session", 7, 1<<20, 1<<15)), reads: lives},
		{name: "opens with much to keep, undecided", state: open, change: neverDecides, message: same(msg(wire.MsgChannelOpen, "session", 7, 1<<20, 1<<15, big)), count: 100, reads: lives},
		{name: "opens with packets of nothing", state: open, message: same(msg(wire.MsgChannelOpen, "session", 7, 1<<20, 0)), fair: 3000, reads: lives, answers: [2]int{wire.MsgChannelOpenFailure, 3000}},
		{name: "opens and closes", state: open, message: func(i int) []byte {
			if i%2 == 0 {
				return msg(wire.MsgChannelOpen, "session", 7, 1<<20, 1<<15)
			}
			return msg(wire.MsgIgnore, "")
		}, reads: lives},
		{name: "channel requests", state: open, open: true, message: same(msg(wire.MsgChannelRequest, 0, "env", false, "A", "B")), count: 100, reads: lives},
		{name: "channel requests, handler stuck", state: open, open: true, change: stuckRequests, message: same(msg(wire.MsgChannelRequest, 0, "env", true, "A", "B")), reads: dies},
		{name: "large channel requests, handler stuck", state: open, open: true, change: stuckRequests, message: same(msg(wire.MsgChannelRequest, 0, "env", true, big)), count: 120, reads: dies},
		{name: "global requests, handler stuck", state: open, change: stuckRequests, message: same(msg(wire.MsgGlobalRequest, "x", true)), reads: dies},
		{name: "large global requests, handler stuck", state: open, change: stuckRequests, message: same(msg(wire.MsgGlobalRequest, "x", true, big)), count: 120, reads: dies},
		{name: "adjusts", state: open, open: true, message: same(msg(wire.MsgChannelWindowAdjust, 0, 1)), reads: lives},
		{name: "adjusts beyond 2^32", state: open, open: true, message: same(msg(wire.MsgChannelWindowAdjust, 0, 1<<30)), reads: dies},
		{name: "adjusts of no channel", state: open, message: same(msg(wire.MsgChannelWindowAdjust, 3, 1)), reads: dies},
		{name: "empty data", state: open, open: true, message: same(msg(wire.MsgChannelData, 0, "")), reads: lives},
		{name: "data of one byte that nobody reads", state: open, open: true, message: same(msg(wire.MsgChannelData, 0, "x")), reads: lives},
		{name: "data beyond the window", state: open, open: true, message: same(msg(wire.MsgChannelData, 0, big)), count: 100, reads: dies},
		{name: "data of no channel", state: open, message: same(msg(wire.MsgChannelData, 5, "x")), reads: dies},
		{name: "extended data of an unknown type", state: open, open: true, message: same(msg(wire.MsgChannelExtendedData, 0, 77, big[:32<<10])), count: 400, reads: lives},
		{name: "ends of a channel", state: open, open: true, message: same(msg(wire.MsgChannelEOF, 0)), reads: lives},
		{name: "closes of a channel", state: open, open: true, message: same(msg(wire.MsgChannelClose, 0)), reads: dies},
		{name: "key exchanges begun", state: open, message: same(Offer{}.Payload(false, false)), reads: dies},
		{name: "new keys", state: open, message: same(msg(wire.MsgNewKeys)), reads: dies},
	}
	for _, state := range []int{keyed, open} {
		fair := 400
		if state == open {
			fair = 6000
		}
		list = append(list,
			flood{name: "pings", state: state, message: same(msg(wire.MsgPing, "x")), fair: fair, reads: lives, answers: [2]int{wire.MsgPong, fair}},
			flood{name: "large pings", state: state, message: same(msg(wire.MsgPing, big)), count: 60, reads: lives | dies},
			flood{name: "pongs", state: state, message: same(msg(wire.MsgPong, "x")), reads: lives},
			flood{name: "ignored messages", state: state, message: same(msg(wire.MsgIgnore, "x")), reads: lives},
			flood{name: "debug messages", state: state, message: same(msg(wire.MsgDebug, true, "x", "")), reads: lives},
			flood{name: "unimplemented messages", state: state, message: same(msg(wire.MsgUnimplemented, 1)), reads: lives},
			flood{name: "unknown messages", state: state, message: same(msg(200)), fair: fair, reads: lives, answers: [2]int{wire.MsgUnimplemented, fair}},
			flood{name: "extension info", state: state, message: same(msg(wire.MsgExtInfo, 1, "x", big)), count: 60, reads: lives},
		)
	}
	return list
}

// Floods, from a peer that reads what it is answered and from one that never
// does. Memory and goroutines stay bounded, and no flood outlives its peer.
func TestFloods(t *testing.T) {
	for _, role := range roles {
		for _, f := range floods(t) {
			if f.count == 0 {
				f.count = 12000
			}
			t.Run(role+" "+stateNames[f.state]+" "+f.name, func(t *testing.T) {
				t.Run("reading", func(t *testing.T) { f.reading(t, role) })
				t.Run("deaf", func(t *testing.T) { f.deaf(t, role) })
			})
		}
	}
	for _, f := range []flood{
		{name: "service requests", message: same(msg(wire.MsgServiceRequest, "ssh-userauth"))},
		{name: "queries of keys", message: same(userauth("alice", "publickey", msg(0, "ssh-ed25519", "junk")...))},
		{name: "abandoned conversations", message: same(userauth("alice", "keyboard-interactive", msg(0, "")[1:]...))},
		{name: "unknown methods", message: same(userauth("alice", "x"))},
	} {
		f.state, f.count, f.reads = inAuth, 4000, dies
		t.Run("server inAuth "+f.name, func(t *testing.T) {
			t.Run("reading", func(t *testing.T) { f.reading(t, "server") })
			t.Run("deaf", func(t *testing.T) { f.deaf(t, "server") })
		})
	}
}

func (f flood) start(t *testing.T, role string, change ...func(*stack)) (*stack, *budget) {
	if f.change != nil {
		change = append(change, f.change)
	}
	s := attack(t, role, change...).reach(f.state)
	if f.open {
		s.openChannel(1<<20, 1<<15)
	}
	return s, newBudget(t)
}

// openChannel opens a channel at the victim, which is its number 0.
func (s *stack) openChannel(window, maxPacket int) {
	s.t.Helper()
	s.must(s.peer.Send(msg(wire.MsgChannelOpen, "session", 7, window, maxPacket)))
	_, err := s.peer.Expect(wire.MsgChannelOpenConfirm)
	s.must(err)
}

// send sends the flood; it ends early when the connection does, or when the
// victim takes no more.
func (f flood) send(s *stack) error {
	var b []byte
	for i := range f.count {
		b = append(b, s.peer.Packet(f.message(i))...)
		if len(b) < 16<<10 && i < f.count-1 {
			continue
		}
		if err := s.peer.Raw(b); err != nil {
			return err
		}
		b = b[:0]
	}
	return nil
}

func (f flood) reading(t *testing.T, role string) {
	if f.fair > 0 {
		f.count = f.fair
	}
	s, b := f.start(t, role)
	var counts [256]atomic.Int32
	var last []byte
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			m, err := s.peer.Next()
			if err != nil {
				return
			}
			counts[m[0]].Add(1)
			last = m
			if m[0] == wire.MsgDisconnect || m[0] == wire.MsgPong && string(m[5:]) == "the end" {
				return
			}
		}
	})
	err := f.send(s)
	if err == nil {
		err = s.peer.Send(msg(wire.MsgPing, "the end"))
	}
	reader.Wait()
	got := leaves
	switch {
	case last != nil && last[0] == wire.MsgPong:
		got = lives
	case last != nil && last[0] == wire.MsgDisconnect:
		got = dies
	case f.reads&dies != 0 && err != nil:
		got = dies // what we wrote after its end reset the connection before we read why
	}
	if got&f.reads == 0 {
		t.Errorf("the flood %v and should %v (%v; last % x)", got, f.reads, err, last[:min(len(last), 60)])
	}
	if n := f.answers; n[1] > 0 && int(counts[n[0]].Load()) < n[1] {
		t.Errorf("%d answers %d came, %d were due", counts[n[0]].Load(), n[0], n[1])
	}
	b.check("after the flood", floodHeap, floodGoroutines)
	s.peer.Conn.Close()
	s.wait()
}

// settle waits until the flood has been taken, the stack has ended, or it takes
// no more, which is one way to bound it. Nothing tells the last, so it is polled
// for.
func (s *stack) settle(finished <-chan struct{}) {
	for was, quiet := int64(-1), 0; quiet < 10; {
		select {
		case <-finished:
			return
		case <-s.done:
			return
		case <-time.After(10 * time.Millisecond):
		}
		if quiet++; s.peer.sent.Load() != was {
			was, quiet = s.peer.sent.Load(), 0
		}
	}
}

func (f flood) deaf(t *testing.T, role string) {
	s, b := f.start(t, role, deafen)
	finished := make(chan struct{})
	go func() { f.send(s); close(finished) }()
	s.settle(finished)
	b.check("during the flood", floodHeap, floodGoroutines)
	s.cancel() // the grace time ends, or the server does
	s.peer.Conn.Close()
	s.wait()
}
