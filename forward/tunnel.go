package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/nacre-ssh/nacre/internal/tun"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// TunnelType is the type of a channel between two network devices (PROTOCOL,
// section 2.3).
const TunnelType = "tun@openssh.com"

// anyUnit is the wire's word for a device that the server chooses (PROTOCOL,
// section 2.3).
const anyUnit = 0x7fffffff

// Address families on the wire, OpenBSD's numbers (PROTOCOL, section 2.3).
const (
	familyInet  = 2
	familyInet6 = 24
	familyLen   = 4
)

// A TunnelMode is what a tunnel carries.
type TunnelMode = tun.Mode

// The modes: IP packets, or Ethernet frames.
const (
	PointToPoint = tun.PointToPoint
	Ethernet     = tun.Ethernet
)

// AnyUnit is the number of a device that the system chooses.
const AnyUnit = tun.Any

// A Tunnel is an open network device on its way to a channel. The zero value is
// not usable; make it with [OpenTunnel]. It must be given to Ask or to Serve, or
// closed.
type Tunnel struct {
	device *tun.Device
	mode   TunnelMode
}

// OpenTunnel opens the network device of a number, or the next free one for
// [AnyUnit]. Where there are none it returns [errors.ErrUnsupported].
func OpenTunnel(mode TunnelMode, unit int) (*Tunnel, error) {
	d, err := tun.Open(mode, unit)
	if err != nil {
		return nil, err
	}
	return &Tunnel{d, mode}, nil
}

// Name is the interface's, such as "tun0".
func (t *Tunnel) Name() string { return t.device.Name }

// Close closes the device.
func (t *Tunnel) Close() error { return t.device.Close() }

// Ask asks the other side to open the device of a number for this one, without
// waiting for the answer, which the function that it returns waits for. The
// tunnel then runs until the connection ends; it is closed where the answer is
// no.
func (t *Tunnel) Ask(m *mux.Mux, unit int) (wait func(context.Context) error) {
	b := wire.AppendUint32(nil, uint32(t.mode))
	if unit == AnyUnit {
		unit = anyUnit
	}
	b = wire.AppendUint32(b, uint32(unit))
	answer := make(chan error, 1)
	m.Conn().Go(func() {
		ch, err := m.OpenChannel(context.Background(), TunnelType, b, mux.Options{Name: "tun", Sink: t.sink()})
		answer <- err
		if err != nil {
			t.Close()
			return
		}
		t.run(ch)
	})
	return func(ctx context.Context) error {
		select {
		case err := <-answer:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ParseTunnel reads what the channel-open message of a tunnel asks for; unit may
// be [AnyUnit].
func ParseTunnel(extra []byte) (mode TunnelMode, unit int, ok bool) {
	r := wire.NewReader(extra)
	mode = TunnelMode(r.Uint32())
	n := r.Uint32()
	if unit = int(n); n == anyUnit {
		unit = AnyUnit
	}
	return mode, unit, r.End() == nil && n <= anyUnit && (mode == PointToPoint || mode == Ethernet)
}

// Serve accepts a channel for the tunnel and returns when it has ended.
func (t *Tunnel) Serve(in *mux.Incoming) {
	ch, err := in.Accept(nil, mux.Options{Name: "tun", Sink: t.sink()})
	if err != nil {
		t.Close()
		return
	}
	t.run(ch)
}

// run sends the device's packets until one of the two has ended.
func (t *Tunnel) run(ch *mux.Channel) {
	ch.Mux().Conn().Go(func() {
		<-ch.Done()
		t.Close()
	})
	head := t.head()
	b := make([]byte, head+tun.MaxPacket)
	for {
		n, err := t.device.Read(b[head:])
		if err != nil {
			break
		}
		if !t.label(b[:head+n]) {
			continue
		}
		if _, err := ch.WriteWhole(b[:head+n]); err != nil {
			break
		}
	}
	ch.Close()
	t.Close()
}

// head is how many bytes a packet has before it on the wire.
func (t *Tunnel) head() int {
	if t.mode == PointToPoint {
		return familyLen
	}
	return 0
}

// label writes the family of an IP packet before it. It says no to what is none.
func (t *Tunnel) label(b []byte) bool {
	if t.mode != PointToPoint {
		return true
	}
	family := uint32(familyInet)
	switch {
	case len(b) <= familyLen:
		return false
	case b[familyLen]>>4 == 6:
		family = familyInet6
	}
	binary.BigEndian.PutUint32(b, family)
	return true
}

// sink writes what comes to the device.
func (t *Tunnel) sink() mux.Sink { return &tunnelSink{t} }

// A tunnelSink takes each packet whole and at once, so that none is ever joined
// with another: a device that has no room loses it, as a network does.
type tunnelSink struct{ t *Tunnel }

// TryWrite implements mux.Sink.
func (s *tunnelSink) TryWrite(b []byte) (int, error) { return s.Write(b) }

// Write implements mux.Sink. Its error ends the channel's direction.
func (s *tunnelSink) Write(b []byte) (int, error) {
	head := s.t.head()
	if len(b) <= head || len(b) > head+tun.MaxPacket {
		return len(b), nil
	}
	_, err := s.t.device.Write(b[head:])
	if errors.Is(err, os.ErrClosed) || errors.Is(err, io.ErrClosedPipe) {
		return 0, err
	}
	return len(b), nil // the system refuses packets that are none, or while the interface is down
}
