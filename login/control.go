package login

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nacre-ssh/nacre/wire"
)

// The control socket carries frames: uint32 length of what follows, one byte of
// kind, and the fields of the kind in SSH's data types.
const (
	// From the monitor.
	msgSetup  = 1 // who to become; the first frame, and only the first
	msgHand   = 2 // a connection; its socket comes with the first byte
	msgCommit = 3 // serve it
	msgAbort  = 4 // forget it: another worker has it
	msgSigned = 5 // a signature, or why there is none

	// From the worker.
	msgAccepted = 16
	msgRefused  = 17
	msgEnded    = 18
	msgSign     = 19
	msgLog      = 20
)

const frameHeader = 5

// frameLimit is the longest body of a kind, or -1 for a kind that the side
// which reads it must not get.
func frameLimit(kind byte, fromMonitor bool) int {
	limit, monitor := -1, kind < msgAccepted
	switch kind {
	case msgSetup:
		limit = 3*maxPath + 4*maxGroups + 256
	case msgHand:
		limit = MaxState + MaxPolicy + 64
	case msgCommit, msgAbort, msgAccepted, msgEnded:
		limit = 8
	case msgSigned:
		limit = maxSignature + 64
	case msgRefused:
		limit = 8 + 4 + maxReason
	case msgSign:
		limit = 16 + maxAlgorithm + maxSignData
	case msgLog:
		limit = 16 + maxLogText
	}
	if monitor != fromMonitor {
		return -1
	}
	return limit
}

var errFrame = errors.New("control message is malformed")

// parseFrame cuts the first frame off b. It returns 0 as size while the frame is
// incomplete; body is a part of b.
func parseFrame(b []byte, fromMonitor bool) (kind byte, body []byte, size int, err error) {
	if len(b) < frameHeader {
		return 0, nil, 0, nil
	}
	n, limit := int64(binary.BigEndian.Uint32(b)), frameLimit(b[4], fromMonitor)
	if n < 1 || limit < 0 || n-1 > int64(limit) {
		return 0, nil, 0, fmt.Errorf("%w: kind %d, %d bytes", errFrame, b[4], n)
	}
	if int64(len(b)) < 4+n {
		return 0, nil, 0, nil
	}
	return b[4], b[frameHeader : 4+n], int(4 + n), nil
}

// frame starts a frame; endFrame fills in its length.
func frame(kind byte, room int) []byte {
	b := make([]byte, frameHeader, frameHeader+room)
	b[4] = kind
	return b
}

func endFrame(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// idFrame is a frame that holds a connection's number alone.
func idFrame(kind byte, id uint64) []byte { return endFrame(wire.AppendUint64(frame(kind, 8), id)) }

func parseID(body []byte) (uint64, error) {
	r := wire.NewReader(body)
	id := r.Uint64()
	return id, r.End()
}

// setup tells a worker who it becomes and what it may hold.
type setup struct {
	user        User
	idle        time.Duration
	connections uint32
	children    uint32
	oomScore    int32 // what the monitor was started with
}

func (s *setup) frame() []byte {
	b := frame(msgSetup, 256)
	b = wire.AppendString(b, s.user.Name)
	b = wire.AppendUint32(b, s.user.UID)
	b = wire.AppendUint32(b, s.user.GID)
	b = wire.AppendUint32(b, uint32(len(s.user.Groups)))
	for _, g := range s.user.Groups {
		b = wire.AppendUint32(b, g)
	}
	b = wire.AppendString(b, s.user.Home)
	b = wire.AppendString(b, s.user.Shell)
	b = wire.AppendUint64(b, uint64(s.idle))
	b = wire.AppendUint32(b, s.connections)
	b = wire.AppendUint32(b, s.children)
	return endFrame(wire.AppendUint32(b, uint32(s.oomScore)))
}

func parseSetup(body []byte) (*setup, error) {
	r, s := wire.NewReader(body), new(setup)
	s.user.Name = r.String()
	s.user.UID = r.Uint32()
	s.user.GID = r.Uint32()
	n := r.Uint32()
	if n > maxGroups {
		return nil, errFrame
	}
	for i := uint32(0); i < n && r.Err() == nil; i++ {
		s.user.Groups = append(s.user.Groups, r.Uint32())
	}
	s.user.Home = r.String()
	s.user.Shell = r.String()
	s.idle = time.Duration(r.Uint64())
	s.connections = r.Uint32()
	s.children = r.Uint32()
	s.oomScore = int32(r.Uint32())
	if err := r.End(); err != nil {
		return nil, err
	}
	if s.user.Name == "" || s.user.UID == 1<<32-1 || s.user.GID == 1<<32-1 || s.idle < 0 {
		return nil, errFrame
	}
	return s, nil
}

// hand is a connection on its way; the socket travels beside it.
type hand struct {
	id            uint64
	state, policy []byte
}

func (h *hand) frame() []byte {
	b := frame(msgHand, 16+len(h.state)+len(h.policy))
	b = wire.AppendUint64(b, h.id)
	b = wire.AppendString(b, h.state)
	return endFrame(wire.AppendString(b, h.policy))
}

// parseHand returns slices of its own.
func parseHand(body []byte) (h hand, err error) {
	r := wire.NewReader(body)
	h.id = r.Uint64()
	h.state = append([]byte(nil), r.Bytes()...)
	h.policy = append([]byte(nil), r.Bytes()...)
	if len(h.state) > MaxState || len(h.policy) > MaxPolicy {
		return h, errFrame
	}
	return h, r.End()
}

// signRequest asks for a signature with the host key over an exchange hash.
type signRequest struct {
	id        uint64
	algorithm string
	data      []byte
}

func (s *signRequest) frame() []byte {
	b := wire.AppendUint64(frame(msgSign, 160), s.id)
	b = wire.AppendString(b, s.algorithm)
	return endFrame(wire.AppendString(b, s.data))
}

// parseSign returns slices of its own.
func parseSign(body []byte) (s signRequest, err error) {
	r := wire.NewReader(body)
	s.id = r.Uint64()
	s.algorithm = r.String()
	s.data = append([]byte(nil), r.Bytes()...)
	if err := r.End(); err != nil {
		return s, err
	}
	if len(s.algorithm) > maxAlgorithm || len(s.data) > maxSignData || len(s.data) < 20 {
		return s, errFrame
	}
	return s, nil
}

// signed answers a signRequest; reason is empty when there is a signature.
type signed struct {
	id        uint64
	signature []byte
	reason    string
}

func (s *signed) frame() []byte {
	b := wire.AppendUint64(frame(msgSigned, 64+len(s.signature)), s.id)
	b = wire.AppendString(b, s.signature)
	return endFrame(wire.AppendString(b, s.reason))
}

func parseSigned(body []byte) (s signed, err error) {
	r := wire.NewReader(body)
	s.id = r.Uint64()
	s.signature = append([]byte(nil), r.Bytes()...)
	s.reason = r.String()
	return s, r.End()
}

// text is a refusal or a log line.
type text struct {
	id    uint64
	level slog.Level // of a log line
	text  string
}

func (t *text) frame(kind byte) []byte {
	b := wire.AppendUint64(frame(kind, 64+len(t.text)), t.id)
	if kind == msgLog {
		b = wire.AppendUint32(b, uint32(int32(t.level)))
	}
	return endFrame(wire.AppendString(b, t.text))
}

func parseText(kind byte, body []byte) (t text, err error) {
	r := wire.NewReader(body)
	t.id = r.Uint64()
	if kind == msgLog {
		t.level = slog.Level(int32(r.Uint32()))
	}
	t.text = printable(r.Bytes())
	if t.level < slog.LevelDebug || t.level > slog.LevelError {
		t.level = slog.LevelInfo
	}
	return t, r.End()
}

// printable escapes what a terminal or a log reader could act upon.
func printable(b []byte) string {
	out := make([]byte, 0, len(b))
	for _, c := range b {
		if c < ' ' || c >= 0x7f {
			const hex = "0123456789abcdef"
			out = append(out, '\\', 'x', hex[c>>4], hex[c&15])
			continue
		}
		out = append(out, c)
	}
	return string(out)
}

// truncate cuts s to at most n bytes.
func truncate(s string, n int) string { return s[:min(len(s), n)] }

// bucket is a token bucket: burst at once, then one every interval. Its zero
// value is full.
type bucket struct {
	used int
	last time.Time
}

func (b *bucket) take(now time.Time, burst int, every time.Duration) bool {
	if back := int(now.Sub(b.last) / every); back >= b.used {
		b.used, b.last = 0, now
	} else if back > 0 {
		b.used -= back
		b.last = b.last.Add(time.Duration(back) * every)
	}
	if b.used >= burst {
		return false
	}
	b.used++
	return true
}
