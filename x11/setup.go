package x11

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A setup is the head of a connection to an X server (X Window System Protocol,
// section 8): who is there, and how it proves that it may be.
type setup struct {
	order        binary.ByteOrder
	major, minor uint16
	cookie       Cookie
}

// Byte orders of a connection: section 8.
const (
	bigEndian    = 'B'
	littleEndian = 'l'
)

// padded is n rounded up to a multiple of four.
func padded(n int) int { return (n + 3) &^ 3 }

// readSetup reads the head of a connection, and nothing behind it.
func readSetup(r io.Reader) (*setup, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, fmt.Errorf("an X11 program ended before it said who it is: %w", err)
	}
	s := new(setup)
	switch head[0] {
	case bigEndian:
		s.order = binary.BigEndian
	case littleEndian:
		s.order = binary.LittleEndian
	default:
		return nil, errors.New("what connects does not speak X11")
	}
	s.major, s.minor = s.order.Uint16(head[2:]), s.order.Uint16(head[4:])
	name, data := int(s.order.Uint16(head[6:])), int(s.order.Uint16(head[8:]))
	if name > maxCookie || data > maxCookie {
		return nil, errors.New("what connects shows too long a cookie")
	}
	rest := make([]byte, padded(name)+padded(data))
	if _, err := io.ReadFull(r, rest); err != nil {
		return nil, fmt.Errorf("an X11 program ended before it showed its cookie: %w", err)
	}
	s.cookie = Cookie{string(rest[:name]), rest[padded(name) : padded(name)+data]}
	return s, nil
}

// shows reports whether the setup holds a cookie.
func (s *setup) shows(c Cookie) bool {
	return s.cookie.Name == c.Name && subtle.ConstantTimeCompare(s.cookie.Data, c.Data) == 1
}

// append is the setup as it is sent.
func (s *setup) append(b []byte) []byte {
	order := byte(bigEndian)
	if s.order == binary.ByteOrder(binary.LittleEndian) {
		order = littleEndian
	}
	at := len(b)
	b = append(b, make([]byte, 12)...)
	b[at] = order
	for i, n := range []uint16{s.major, s.minor, uint16(len(s.cookie.Name)), uint16(len(s.cookie.Data))} {
		s.order.PutUint16(b[at+2+2*i:], n)
	}
	b = appendPadded(b, []byte(s.cookie.Name))
	return appendPadded(b, s.cookie.Data)
}

func appendPadded(b, text []byte) []byte {
	b = append(b, text...)
	return append(b, make([]byte, padded(len(text))-len(text))...)
}
