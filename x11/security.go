package x11

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Requests: X Window System Protocol, appendix B; Security Extension, "Protocol
// Encoding".
const (
	opQueryExtension        = 98
	securityQueryVersion    = 0
	securityGenerate        = 1
	securityMaskTimeout     = 1 << 0
	securityMaskTrust       = 1 << 1
	securityUntrusted       = 1
	replySize               = 32 // of every reply, and what further words are counted from
	maxReplyWords           = 1 << 12
	maxSetupWords           = 1 << 14
	setupFailed, setupReady = 0, 1
)

// ErrNoSecurity says that a display can't tell programs that aren't trusted
// from others.
var ErrNoSecurity = errors.New("the display has no SECURITY extension, so it can't keep untrusted programs apart; -Y trusts them")

// untrusted asks a display, over a fresh connection to it, for a cookie with
// which programs can't spy on others. The display forgets it when nobody has
// used it for so long.
func untrusted(rw io.ReadWriter, own Cookie, timeout time.Duration) (Cookie, error) {
	if err := greet(rw, own); err != nil {
		return Cookie{}, err
	}
	le := binary.LittleEndian
	const name = "SECURITY"
	ask := le.AppendUint16([]byte{opQueryExtension, 0}, uint16(2+padded(len(name))/4))
	ask = append(le.AppendUint16(ask, uint16(len(name))), 0, 0)
	reply, err := call(rw, append(ask, name...))
	if err != nil {
		return Cookie{}, err
	}
	if reply[8] == 0 {
		return Cookie{}, ErrNoSecurity
	}
	opcode := reply[9]
	ask = le.AppendUint16([]byte{opcode, securityQueryVersion}, 2)
	if _, err := call(rw, append(ask, 1, 0, 0, 0)); err != nil {
		return Cookie{}, err
	}
	words := 3 + padded(len(MagicCookie))/4 + 2
	ask = le.AppendUint16([]byte{opcode, securityGenerate}, uint16(words))
	ask = le.AppendUint16(le.AppendUint16(ask, uint16(len(MagicCookie))), 0)
	ask = le.AppendUint32(ask, securityMaskTimeout|securityMaskTrust)
	ask = appendPadded(ask, []byte(MagicCookie))
	ask = le.AppendUint32(le.AppendUint32(ask, uint32(timeout.Seconds())), securityUntrusted)
	reply, err = call(rw, ask)
	if err != nil {
		return Cookie{}, err
	}
	n := int(le.Uint16(reply[12:]))
	if n == 0 || n > maxCookie || replySize+n > len(reply) {
		return Cookie{}, errors.New("the display's cookie for untrusted programs makes no sense")
	}
	return Cookie{MagicCookie, reply[replySize : replySize+n]}, nil
}

// greet says who is there, and waits to be let in.
func greet(rw io.ReadWriter, own Cookie) error {
	s := &setup{order: binary.LittleEndian, major: 11, cookie: own}
	if _, err := rw.Write(s.append(nil)); err != nil {
		return err
	}
	return readWelcome(rw)
}

// readWelcome reads a display's answer to a setup (section 8).
func readWelcome(r io.Reader) error {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("the display hangs up: %w", err)
	}
	words := int(binary.LittleEndian.Uint16(head[6:]))
	if words > maxSetupWords {
		return errors.New("the display's welcome is too long")
	}
	rest := make([]byte, 4*words)
	if _, err := io.ReadFull(r, rest); err != nil {
		return fmt.Errorf("the display hangs up: %w", err)
	}
	switch head[0] {
	case setupReady:
		return nil
	case setupFailed:
		return fmt.Errorf("the display refuses: %q", rest[:min(int(head[1]), len(rest))])
	}
	return errors.New("the display wants more than a cookie")
}

// call sends one request and returns its reply; events are passed over.
func call(rw io.ReadWriter, request []byte) ([]byte, error) {
	if _, err := rw.Write(request); err != nil {
		return nil, err
	}
	for {
		reply := make([]byte, replySize)
		if _, err := io.ReadFull(rw, reply); err != nil {
			return nil, fmt.Errorf("the display hangs up: %w", err)
		}
		switch reply[0] {
		case 0:
			return nil, fmt.Errorf("the display answers with error %d", reply[1])
		case 1:
			words := binary.LittleEndian.Uint32(reply[4:])
			if words > maxReplyWords {
				return nil, errors.New("the display's answer is too long")
			}
			reply = append(reply, make([]byte, 4*words)...)
			if _, err := io.ReadFull(rw, reply[replySize:]); err != nil {
				return nil, fmt.Errorf("the display hangs up: %w", err)
			}
			return reply, nil
		}
	}
}
