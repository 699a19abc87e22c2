package hostile

import (
	"slices"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

// plausible is what an honest peer might send under each number.
func plausible(n byte) []byte {
	b := []byte{n}
	str := func(list ...string) []byte {
		for _, s := range list {
			b = wire.AppendString(b, s)
		}
		return b
	}
	num := func(list ...uint32) []byte {
		for _, v := range list {
			b = wire.AppendUint32(b, v)
		}
		return b
	}
	switch n {
	case wire.MsgDisconnect:
		num(wire.DisconnectByApplication)
		return str("bye", "")
	case wire.MsgIgnore, wire.MsgPing, wire.MsgPong:
		return str("data")
	case wire.MsgUnimplemented:
		return num(3)
	case wire.MsgDebug:
		b = append(b, 1)
		return str("debugging", "en")
	case wire.MsgServiceRequest, wire.MsgServiceAccept:
		return str("ssh-userauth")
	case wire.MsgExtInfo:
		num(1)
		return str("server-sig-algs", "ssh-ed25519,rsa-sha2-256")
	case wire.MsgKexInit:
		return Offer{}.Payload(false, false)
	case 30, 31, 32, 33, 34:
		return str(string(make([]byte, 32)))
	case wire.MsgUserauthRequest:
		return userauth("alice", "password", append([]byte{0}, wire.AppendString(nil, "wrong")...)...)
	case wire.MsgUserauthFailure:
		str("password")
		return append(b, 0)
	case wire.MsgUserauthBanner:
		return str("hello", "en")
	case wire.MsgUserauthInfoRequest:
		str("name", "instruction", "")
		num(1)
		str("Password: ")
		return append(b, 0)
	case wire.MsgUserauthInfoResponse:
		num(1)
		return str("answer")
	case wire.MsgGlobalRequest:
		str("keepalive@openssh.com")
		return append(b, 1)
	case wire.MsgChannelOpen:
		str("session")
		return num(7, 1<<20, 1<<15)
	case wire.MsgChannelOpenConfirm:
		return num(0, 7, 1<<20, 1<<15)
	case wire.MsgChannelOpenFailure:
		num(0, 1)
		return str("no", "")
	case wire.MsgChannelWindowAdjust:
		return num(0, 1<<20)
	case wire.MsgChannelData:
		num(0)
		return str("data")
	case wire.MsgChannelExtendedData:
		num(0, 1)
		return str("data")
	case wire.MsgChannelEOF, wire.MsgChannelClose, wire.MsgChannelSuccess, wire.MsgChannelFailure:
		return num(0)
	case wire.MsgChannelRequest:
		num(0)
		str("shell")
		return append(b, 1)
	}
	return append(b, 1, 2, 3, 4)
}

// bodies are what is sent under a number: nothing, too little, what could be.
// One is enough where the number has no meaning.
func bodies(n byte) [][]byte {
	full := plausible(n)
	if known := n <= 7 || n == 20 || n == 21 || n >= 30 && n <= 34 || n >= 50 && n <= 53 || n == 60 || n == 61 ||
		n >= 80 && n <= 82 || n >= 90 && n <= 100 || n == 192 || n == 193; !known {
		return [][]byte{[][]byte{{n}, full[:2], full}[n%3]}
	}
	return [][]byte{{n}, full[:min(len(full)/2+1, 3)], full}
}

// What a message may do.
type fate int

const (
	dies   fate = 1 << iota // the connection ends with a reason
	lives                   // it is ignored, or answered
	leaves                  // it ends without a word, as the peer asked for
)

// fates says what a message must do in a state. Where it depends on the body,
// both fates are there.
func fates(state int, role string, m []byte) fate {
	n := m[0]
	kexMethod := n >= wire.MsgKexFirst && n <= wire.MsgKexLast
	whole := slices.Equal(m, plausible(n))
	if n == wire.MsgDisconnect {
		if whole {
			return leaves
		}
		return dies
	}
	switch state {
	case identified:
		if n == wire.MsgKexInit && whole {
			return lives // this test's KEXINIT is as good as another
		}
		return dies
	case inited:
		return dies
	case agreed:
		if n == wire.MsgNewKeys && len(m) == 1 {
			return lives
		}
		return dies
	}
	switch {
	case n == wire.MsgKexInit || n == wire.MsgNewKeys || kexMethod:
		if state == rekeyed && n == wire.MsgNewKeys && len(m) == 1 || state < rekeying && n == wire.MsgKexInit && whole {
			return lives
		}
		return dies
	case n == wire.MsgIgnore:
		return lives
	case n == wire.MsgUnimplemented || n == wire.MsgDebug:
		if whole {
			return lives
		}
		return dies
	case state >= rekeying && n != 0:
		return dies
	case n == wire.MsgExtInfo || n == wire.MsgPing:
		if whole {
			return lives
		}
		return dies
	case n == wire.MsgPong || n >= 8 && n < 50 || n == 0 || n > wire.MsgPing:
		return lives // PONG: nobody asked; the others: UNIMPLEMENTED
	}
	if state == open {
		return afterAuth(n, whole)
	}
	return beforeAuth(state, role, n, whole)
}

func beforeAuth(state int, role string, n byte, whole bool) fate {
	if role == "server" {
		switch {
		case n == wire.MsgServiceRequest && whole:
			return lives
		case n == wire.MsgUserauthRequest && whole && state == inAuth:
			return lives
		}
		return dies
	}
	switch {
	case n == wire.MsgServiceAccept && state == keyed:
		return lives | dies // old servers leave the name out
	case state == inAuth && whole && (n == wire.MsgUserauthFailure || n == wire.MsgUserauthBanner):
		return lives
	case state == inAuth && n == wire.MsgUserauthSuccess:
		return lives | dies
	}
	return dies
}

func afterAuth(n byte, whole bool) fate {
	switch {
	case n >= wire.MsgUserauthRequest && n < wire.MsgGlobalRequest:
		return lives // RFC 4252, section 5.3
	case n == wire.MsgRequestSuccess || n == wire.MsgRequestFailure:
		return lives // nobody asked
	case n == wire.MsgGlobalRequest || n == wire.MsgChannelOpen:
		if whole {
			return lives
		}
		return dies
	case n > wire.MsgChannelOpen && n <= wire.MsgChannelFailure:
		return dies // no channel is open
	}
	return lives // UNIMPLEMENTED
}

// Every message number in every state, with nothing, too little and what could
// be behind it: the connection ends with a reason, or goes on as the RFC says.
func TestEveryMessageInEveryState(t *testing.T) {
	for _, role := range roles {
		for state := identified; state < noOfStates; state++ {
			t.Run(role+" "+stateNames[state], func(t *testing.T) {
				t.Parallel()
				b := newMessages(t, role, state)
				for n := range 256 {
					for _, m := range bodies(byte(n)) {
						b.try(m)
					}
				}
			})
		}
	}
}

// messages sends one message after the other to stacks in one state. A stack
// that a message left as it was takes the next one, too.
type messages struct {
	t     *testing.T
	role  string
	state int
	s     *stack // as it was; nil: the next message needs a new one
}

func newMessages(t *testing.T, role string, state int) *messages {
	return &messages{t: t, role: role, state: state}
}

func (b *messages) try(m []byte) {
	b.t.Helper()
	s := b.s
	if s == nil {
		s = attack(b.t, b.role).reach(b.state)
	}
	b.s = nil
	want := fates(b.state, b.role, m)
	s.must(s.peer.Send(m))
	v := s.verdict(func() error { return b.finish(s, m) })
	got := leaves
	switch {
	case v.alive:
		got = lives
	case v.reason != 0:
		got = dies
	}
	if want&got == 0 || v.reason == wire.DisconnectByApplication {
		b.t.Errorf("message %d (% x): %v, and should be %v; reason %d %q, told %v, ended with %v",
			m[0], m[1:min(len(m), 20)], got, want, v.reason, v.text, v.told, v.err)
	}
	if got == lives && b.unmoved(m[0]) {
		b.s = s
		return
	}
	s.cancel()
	s.peer.Conn.Close()
}

// unmoved reports whether a message that a stack survived left it in its state.
func (b *messages) unmoved(n byte) bool {
	switch b.state {
	case keyed, inAuth:
		return n < wire.MsgServiceRequest || n > wire.MsgServiceAccept && n < wire.MsgKexInit || n > wire.MsgKexLast && n < wire.MsgUserauthRequest || n > wire.MsgChannelFailure
	case open:
		return n < wire.MsgKexInit || n > wire.MsgKexLast && n < wire.MsgGlobalRequest || n > wire.MsgChannelFailure
	}
	return false
}

// finish completes the key exchange that the state is in the middle of, so that
// a ping can be sent.
func (b *messages) finish(s *stack, m []byte) error {
	p := s.peer
	state := b.state
	if m[0] == wire.MsgKexInit && (state == identified || state >= keyed && state < rekeying) && fates(state, b.role, m) == lives {
		p.OurInit = m
		if err := p.ReadInit(); err != nil {
			return err
		}
		state = inited
	}
	if m[0] == wire.MsgNewKeys && fates(state, b.role, m) == lives {
		if err := p.SwitchOut(); err != nil {
			return err
		}
		return p.ReadNewKeys()
	}
	switch state {
	case inited, rekeying:
		if err := p.Agree(); err != nil {
			return err
		}
		return p.NewKeys()
	case agreed, rekeyed:
		return p.NewKeys()
	case identified:
		return p.Exchange()
	}
	return nil
}

func (f fate) String() string {
	var names []string
	for i, name := range []string{"ends with a reason", "lives", "ends without a word"} {
		if f&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return strings.Join(names, " or ")
}
