package telnet

import (
	"bytes"
	"sync/atomic"
)

// A heard is who is told what stands between the data. Unlike data it is
// complete: never part of a command.
type heard interface {
	hearCommand(cmd Command)
	hearOption(verb Command, o Option)
	hearSub(o Option, b []byte)
}

// A decoder takes commands out of what was received. The zero value stands at
// the start of a connection, with heard to be set.
type decoder struct {
	heard  heard
	state  state
	verb   Command // WILL, WONT, DO or DONT, in state atOption
	sub    []byte  // the option and what followed, in states inSub and subIAC
	binary bool    // no meaning in CR
	urgent bool    // data is dropped up to the data mark
	// skip drops data up to a timing mark. The user's side sets it, while the
	// decoder reads.
	skip atomic.Bool
}

type state uint8

const (
	inData   state = iota
	afterCR        // a NUL that follows belongs to it
	afterIAC       // a command follows
	atOption       // an option follows
	inSub          // in a sub-negotiation
	subIAC         // in one, after IAC
)

// decode takes commands out of b, in place, and returns how many bytes of data
// are left at its beginning. It fails on a sub-negotiation without end.
func (d *decoder) decode(b []byte) (kept int, err error) {
	for i := 0; i < len(b); i++ {
		if d.state == inData {
			n := d.plain(b[i:])
			if !d.drops() {
				kept += copy(b[kept:], b[i:i+n])
			}
			if i += n; i == len(b) {
				break
			}
		}
		data, err := d.step(b[i])
		if err != nil {
			return kept, err
		}
		if data && !d.drops() {
			b[kept] = b[i]
			kept++
		}
	}
	return kept, nil
}

func (d *decoder) drops() bool { return d.urgent || d.skip.Load() }

// plain counts the bytes before the next that means something.
func (d *decoder) plain(b []byte) int {
	if at := bytes.IndexByte(b, byte(iac)); at >= 0 {
		b = b[:at]
	}
	if at := bytes.IndexByte(b, '\r'); at >= 0 && !d.binary {
		b = b[:at]
	}
	return len(b)
}

// step takes one byte and says whether it is data.
func (d *decoder) step(c byte) (data bool, err error) {
	switch d.state {
	case afterCR:
		d.state = inData
		if c == 0 {
			return false, nil // RFC 854: CR NUL is CR
		}
	case afterIAC:
		return d.command(Command(c)), nil
	case atOption:
		d.state = inData
		d.heard.hearOption(d.verb, Option(c))
		return false, nil
	case inSub:
		if c == byte(iac) {
			d.state = subIAC
			return false, nil
		}
		return false, d.more(c)
	case subIAC:
		return false, d.subCommand(c)
	}
	switch {
	case c == byte(iac):
		d.state = afterIAC
		return false, nil
	case c == '\r' && !d.binary:
		d.state = afterCR
	}
	return true, nil
}

// command takes the byte behind IAC; a second IAC is data.
func (d *decoder) command(c Command) (data bool) {
	d.state = inData
	switch {
	case c == iac:
		return true
	case c >= will:
		d.verb, d.state = c, atOption
	case c == sb:
		d.sub, d.state = d.sub[:0], inSub
	case c == DM:
		d.urgent = false
		d.heard.hearCommand(c)
	case c >= EOF && c != se:
		d.heard.hearCommand(c)
	}
	return false
}

func (d *decoder) more(c byte) error {
	if len(d.sub) >= maxSubnegotiation {
		return ErrTooLong
	}
	d.sub = append(d.sub, c)
	return nil
}

// subCommand takes the byte behind IAC inside a sub-negotiation. What is neither
// IAC nor SE there is a mistake of the other side: the sub-negotiation is over,
// unheard, and the command counts.
func (d *decoder) subCommand(c byte) error {
	switch Command(c) {
	case iac:
		d.state = inSub
		return d.more(c)
	case se:
		d.state = inData
		if len(d.sub) > 0 {
			d.heard.hearSub(Option(d.sub[0]), d.sub[1:])
		}
	default:
		d.command(Command(c))
	}
	return nil
}
