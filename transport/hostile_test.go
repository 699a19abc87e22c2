package transport

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nacre-ssh/nacre/internal/hostile"
	"github.com/nacre-ssh/nacre/internal/slab"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// A victim is a Conn whose other end is a hostile peer. next gets what ends it.
type victim struct {
	t    testing.TB
	conn *Conn
	peer *hostile.Peer
	done chan error // gets the error of Next
}

func everything() Algorithms {
	return Algorithms{Ciphers: packet.Ciphers(), MACs: packet.MACs()}
}

// besiege runs a handshake between a Conn in the given role and a peer with an
// offer, and reads from the Conn until it ends.
func besiege(t testing.TB, server bool, offer hostile.Offer, change ...func(*Config)) *victim {
	t.Helper()
	a, b := sockets(t)
	return besiegeOn(t, a, b, server, offer, change...)
}

func besiegeOn(t testing.TB, a, b net.Conn, server bool, offer hostile.Offer, change ...func(*Config)) *victim {
	t.Helper()
	v := &victim{t: t, done: make(chan error, 1)}
	v.peer = &hostile.Peer{Conn: a, Server: !server, Offer: offer, Signer: hostKeys()[0]}
	cfg := &Config{HostKeys: hostKeys()[:1], VerifyHostKey: trustAll, Algorithms: everything()}
	for _, f := range change {
		f(cfg)
	}
	begin := Client
	if server {
		begin = Server
	}
	ready := make(chan error, 1)
	go func() {
		var err error
		v.conn, err = begin(t.Context(), b, cfg)
		ready <- err
	}()
	if err := v.peer.Handshake(); err != nil {
		t.Fatalf("the peer: %v", err)
	}
	if err := <-ready; err != nil {
		t.Fatalf("the victim: %v", err)
	}
	t.Cleanup(func() { v.conn.Close(); a.Close() })
	return v
}

// read delivers until the connection ends.
func (v *victim) read() *victim {
	go func() {
		for {
			if _, err := v.conn.Next(); err != nil {
				v.done <- err
				return
			}
		}
	}()
	return v
}

// over waits for the end and expects it to be the peer's fault.
func (v *victim) over(what string, reasons ...uint32) {
	v.t.Helper()
	select {
	case err := <-v.done:
		var gone *DisconnectError
		if len(reasons) > 0 && (!errors.As(err, &gone) || gone.Remote || !slices.Contains(reasons, gone.Reason)) {
			v.t.Errorf("%s: ended with %v, want a reason of %v", what, err, reasons)
		}
	case <-time.After(2 * kexTimeout):
		b := make([]byte, 1<<20)
		v.t.Fatalf("%s: hangs:\n%s", what, b[:runtime.Stack(b, true)])
	}
}

// modes are one row for each way in which a packet is sealed.
func modes() []hostile.Offer {
	var list []hostile.Offer
	add := func(cipher string, mac string) {
		list = append(list, hostile.Offer{Ciphers: []string{cipher}, MACs: []string{mac}})
	}
	add("aes128-gcm@openssh.com", "hmac-sha2-256")
	add("aes256-gcm@openssh.com", "hmac-sha2-256")
	add("chacha20-poly1305@openssh.com", "hmac-sha2-256")
	for _, cipher := range []string{"aes128-ctr", "aes256-cbc", "3des-cbc"} {
		for _, mac := range []string{"hmac-sha2-256", "hmac-sha2-512-etm@openssh.com", "umac-64@openssh.com", "umac-128-etm@openssh.com", "hmac-sha1"} {
			add(cipher, mac)
		}
	}
	return list
}

func modeName(o hostile.Offer) string { return o.Ciphers[0] + " " + o.MACs[0] }

// Every bit of a packet counts, in every mode: flipped, the connection ends. In
// the modes that encrypt the length a wrong one may make the victim wait for
// more, which the end of the connection ends.
func TestFlippedBits(t *testing.T) {
	payload := append([]byte{wire.MsgChannelData}, bytes.Repeat([]byte{7}, 40)...)
	for _, mode := range modes() {
		t.Run(modeName(mode), func(t *testing.T) {
			size := len(sealed(t, mode, payload))
			step := max(1, size*8/24) // all bytes, in turns
			for bit := 0; bit < size*8; bit += step + 1 {
				v := besiege(t, true, mode).read()
				p := v.peer.Packet(payload)
				if bit/8 >= len(p) { // the padding is of a random length
					continue
				}
				p[bit/8] ^= 1 << (bit % 8)
				if err := v.peer.Raw(p); err != nil {
					t.Fatal(err)
				}
				v.peer.Raw(make([]byte, wire.MaxPacket)) // what a wrong length waits for
				v.peer.Conn.(*net.TCPConn).CloseWrite()
				v.over(fmt.Sprintf("bit %d", bit), wire.DisconnectMACError, wire.DisconnectProtocolError)
			}
		})
	}
}

func sealed(t testing.TB, mode hostile.Offer, payload []byte) []byte {
	return besiege(t, true, mode).peer.Packet(payload)
}

// A packet cut off at any byte is no packet: the connection ends with the
// peer's.
func TestTruncatedPackets(t *testing.T) {
	payload := append([]byte{wire.MsgChannelData}, bytes.Repeat([]byte{7}, 20)...)
	for _, mode := range modes() {
		t.Run(modeName(mode), func(t *testing.T) {
			for _, cut := range []int{1, 3, 4, 5, 8, 15, 16, 17, 31, 33, -1} {
				v := besiege(t, true, mode)
				p := v.peer.Packet(payload)
				if cut < 0 {
					cut += len(p)
				}
				v.peer.Raw(p[:min(cut, len(p)-1)])
				v.peer.Conn.(*net.TCPConn).CloseWrite()
				if m, err := v.conn.Next(); err == nil {
					t.Errorf("cut after %d of %d bytes, %d bytes were delivered", cut, len(p), len(m))
				}
			}
		})
	}
}

// Packets may come in any pieces.
func TestPiecemeal(t *testing.T) {
	for _, mode := range modes() {
		v := besiege(t, true, mode)
		var stream []byte
		var want [][]byte
		for i := range 40 {
			want = append(want, message(i*13))
			stream = append(stream, v.peer.Packet(message(i*13))...)
		}
		go func() {
			for size := 1; len(stream) > 0; size = size*3%257 + 1 {
				n := min(size, len(stream))
				v.peer.Raw(stream[:n])
				stream = stream[n:]
			}
		}()
		for i := range want {
			if p, err := v.conn.Next(); err != nil || !bytes.Equal(p, want[i]) {
				t.Fatalf("%s: message %d: %v", modeName(mode), i, err)
			}
		}
	}
}

// Lengths from nothing to all that 32 bits hold, before there are keys. None of
// those that are refused makes the victim look for a buffer.
func TestPlainLengths(t *testing.T) {
	for _, length := range []uint32{0, 1, 2, 4, 5, 6, 7, 8, 11, 13, 19, wire.MaxPacket - 4 + 1, wire.MaxPacket + 1, wire.MaxPacket + 4, 1 << 24, 1<<31 - 1, 1 << 31, 1<<32 - 1} {
		for _, server := range []bool{true, false} {
			a, b := sockets(t)
			peer := &hostile.Peer{Conn: a, Server: !server}
			done := make(chan error, 1)
			go func() {
				begin := Client
				if server {
					begin = Server
				}
				_, err := begin(t.Context(), b, &Config{HostKeys: hostKeys()[:1], VerifyHostKey: trustAll})
				done <- err
			}()
			if err := peer.Hello(); err != nil {
				t.Fatal(err)
			}
			before := slab.Out()
			peer.Raw(append(binary.BigEndian.AppendUint32(nil, length), make([]byte, 64)...))
			_, err := peer.Expect() // nothing but a DISCONNECT
			var told *hostile.GoneError
			if !errors.As(err, &told) || told.Reason != wire.DisconnectProtocolError {
				t.Errorf("length %d: the peer was told %v", length, err)
			}
			if err := <-done; err == nil || !strings.Contains(err.Error(), "length") {
				t.Errorf("length %d: %v", length, err)
			}
			if n := slab.Out() - before; n > 2 {
				t.Errorf("length %d: %d slabs more are out", length, n)
			}
			a.Close()
		}
	}
}

// The longest packet there may be is taken in every mode, and one that is
// longer is not.
func TestLongestPackets(t *testing.T) {
	for _, mode := range modes() {
		t.Run(modeName(mode), func(t *testing.T) {
			v := besiege(t, true, mode)
			payload := bytes.Repeat([]byte{wire.MsgChannelData}, wire.MaxPayload)
			go v.peer.Send(payload, payload[:wire.MinPacket])
			for _, want := range []int{wire.MaxPayload, wire.MinPacket} {
				if p, err := v.conn.Next(); err != nil || len(p) != want {
					t.Fatalf("%d bytes came of %d: %v", len(p), want, err)
				}
			}
			v.read()
			v.peer.Raw(v.peer.Packet(bytes.Repeat([]byte{wire.MsgChannelData}, wire.MaxPacket+100)))
			v.peer.Conn.(*net.TCPConn).CloseWrite()
			v.over("a longer one", wire.DisconnectMACError, wire.DisconnectProtocolError)
		})
	}
}

// Payloads without a message number, and paddings that can't be, well sealed.
func TestSealedNonsense(t *testing.T) {
	for _, mode := range modes() {
		v := besiege(t, true, mode).read()
		v.peer.Send(nil)
		v.peer.Conn.(*net.TCPConn).CloseWrite()
		v.over(modeName(mode)+", no payload", wire.DisconnectProtocolError)
	}
}

// A peer that begins a rekey and stalls is given up after kexTimeout; until then
// what is sent waits in bounded queues, and its own data goes on coming.
func TestStallInRekey(t *testing.T) {
	hostKeys()
	stages := []struct {
		name   string
		begin  func(v *victim) error
		queues bool // what is sent has to wait
	}{
		{"answers nothing", func(v *victim) error { go v.conn.Rekey(); return nil }, true},
		{"KEXINIT and no more", func(v *victim) error { return v.peer.SendInit() }, true},
		{"no NEWKEYS", func(v *victim) error {
			return errors.Join(v.peer.SendInit(), v.peer.ReadInit(), v.peer.Agree())
		}, false},
	}
	for _, server := range []bool{true, false} {
		for _, stage := range stages {
			t.Run(fmt.Sprintf("server %v, %s", server, stage.name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a, b := net.Pipe()
					v := besiegeOn(t, a, b, server, hostile.Offer{}).read()
					v.conn.AuthSucceeded()
					if err := stage.begin(v); err != nil {
						t.Fatal(err)
					}
					go io.Copy(io.Discard, a) // it reads, but does not answer
					before := slab.Out()
					failed := make(chan error, 3)
					lanes := []Lane{Control, Bulk, Bulk}
					if !stage.queues {
						lanes = nil
					}
					for _, lane := range lanes {
						go func() {
							for {
								if err := v.conn.SendLane(lane, message(100)); err != nil {
									failed <- err
									return
								}
							}
						}()
					}
					began := time.Now()
					synctest.Wait() // all that can be done has been done
					if n := slab.Out() - before; n > 64 {
						t.Errorf("%d slabs are out while it stalls", n)
					}
					v.over("stalled", wire.DisconnectKeyExchangeFailed)
					if d := time.Since(began); d > kexTimeout+time.Second {
						t.Errorf("given up after %v only", d)
					}
					for range lanes {
						if err := <-failed; err == nil {
							t.Error("a sender was told nothing")
						}
					}
					a.Close()
				})
			})
		}
	}
}

// A peer that stalls in the first key exchange is given up when the context
// ends, wherever it stalls.
func TestStallInFirstKex(t *testing.T) {
	hostKeys()
	for _, server := range []bool{true, false} {
		for stage := range 4 {
			synctest.Test(t, func(t *testing.T) {
				a, b := net.Pipe()
				defer a.Close()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				done := make(chan error, 1)
				go func() {
					begin := Client
					if server {
						begin = Server
					}
					_, err := begin(ctx, b, &Config{HostKeys: hostKeys()[:1], VerifyHostKey: trustAll})
					done <- err
				}()
				p := &hostile.Peer{Conn: a, Server: !server, Signer: hostKeys()[0]}
				for i, step := range []func() error{p.ReadLine, p.SendLine, func() error { return errors.Join(p.SendInit(), p.ReadInit()) }, p.Agree} {
					if i > stage {
						break
					}
					if err := step(); err != nil {
						t.Fatal(stage, err)
					}
				}
				go io.Copy(io.Discard, a)
				if err := <-done; !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("server %v, stage %d: %v", server, stage, err)
				}
			})
		}
	}
}

// A peer that stalls a rekey and floods meanwhile, with what may come before its
// own KEXINIT: replies are capped, and so is what else it can make us keep.
func TestFloodInStalledRekey(t *testing.T) {
	for _, server := range []bool{true, false} {
		v := besiege(t, server, hostile.Offer{}).read()
		v.conn.AuthSucceeded()
		go v.conn.Rekey()
		if _, err := v.peer.Expect(wire.MsgKexInit); err != nil {
			t.Fatal(err)
		}
		go io.Copy(io.Discard, v.peer.Conn)
		before := slab.Out()
		ping := wire.AppendString([]byte{wire.MsgPing}, "12345678")
		for v.peer.Send(ping, ping, ping, ping, ping, ping, ping, ping) == nil {
			if n := slab.Out() - before; n > 100 {
				t.Fatalf("%d slabs are out", n)
			}
		}
		v.over("flooded", wire.DisconnectProtocolError)
	}
}

// What must not come in the middle of a later exchange ends the connection, but
// from peers that are known to send it.
func TestAnswerInRekey(t *testing.T) {
	for id, known := range map[string]bool{
		"SSH-2.0-paramiko_2.12.0": true, "SSH-2.0-AsyncSSH_2.10.1": true, "SSH-2.0-OpenSSH_9.2": false, "SSH-2.0-other": false,
	} {
		v := besiege(t, false, hostile.Offer{})
		v.conn.quirks = quirksOf(id)
		v.read().conn.AuthSucceeded()
		answer := []byte{wire.MsgRequestFailure}
		if err := errors.Join(v.peer.Send(answer), v.peer.SendInit(), v.peer.Send(answer)); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		if !known {
			v.over(id, wire.DisconnectProtocolError)
			continue
		}
		if err := errors.Join(v.peer.ReadInit(), v.peer.Agree(), v.peer.NewKeys(), v.peer.Exchange()); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		v.peer.Conn.Close()
		v.over(id)
	}
}

// Endless rekeying by the peer leaves nothing behind.
func TestRekeyFlood(t *testing.T) {
	for _, server := range []bool{true, false} {
		v := besiege(t, server, hostile.Offer{}).read()
		for range 60 {
			if err := v.peer.Exchange(); err != nil {
				t.Fatal(err)
			}
		}
		v.conn.out.mu.Lock()
		left := len(v.conn.out.next)
		v.conn.out.mu.Unlock()
		if left > 0 {
			t.Errorf("%d epochs are left", left)
		}
		v.peer.Conn.Close()
		v.over("rekeying")
	}
}

// Where the sequence number wraps, packets go on; strict key exchange or not.
func TestSequenceWraps(t *testing.T) {
	for _, mode := range modes() {
		for _, strict := range []bool{true, false} {
			mode.NoMarkers = !strict
			v := besiege(t, true, mode)
			v.peer.Skip(1<<32-6, 0)
			v.conn.in.seq += 1<<32 - 6
			go func() {
				for i := range 12 {
					v.peer.Send(message(i))
				}
			}()
			for i := range 12 {
				if p, err := v.conn.Next(); err != nil || !bytes.Equal(p, message(i)) {
					t.Fatalf("%s: message %d: %v", modeName(mode), i, err)
				}
			}
		}
	}
}

// Messages that expand beyond any packet, or not at all.
func TestCompressionBombs(t *testing.T) {
	zlib := func(c *Config) { c.Algorithms.Compression = []string{packet.CompressZlib} }
	var bomb packet.Deflater
	packed, err := bomb.Deflate(nil, make([]byte, wire.MaxPayload))
	if err != nil {
		t.Fatal(err)
	}
	var twice packet.Deflater
	large, _ := twice.Deflate(nil, make([]byte, wire.MaxPayload))
	if large, err = twice.Deflate(large, make([]byte, wire.MaxPayload)); err != nil {
		t.Fatal(err)
	}
	for name, payload := range map[string][]byte{
		"two packets in one": large, "rubbish": []byte("rubbish"), "nothing": {0x78, 0x9c}, "half": packed[:len(packed)/2],
	} {
		v := besiege(t, true, hostile.Offer{Compression: []string{packet.CompressZlib}}, zlib).read()
		v.peer.Send(payload, payload)
		v.peer.Conn.(*net.TCPConn).CloseWrite()
		v.over(name, wire.DisconnectCompressionError, wire.DisconnectProtocolError)
	}
}
