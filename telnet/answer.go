package telnet

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// What a Conn does about what it hears. The methods are called by its decoder,
// with what is answered left in c.out for Read to send.

// command queues IAC and a command.
func (c *Conn) command(cmd Command) {
	c.trace(true, cmd.String())
	c.out = append(c.out, byte(iac), byte(cmd))
}

func (c *Conn) negotiation(verb Command, o Option) {
	c.trace(true, verb.String(), o.String())
	c.out = append(c.out, byte(iac), byte(verb), byte(o))
}

func (c *Conn) askUs(o Option, enable bool)   { c.tell(c.us[o].ask(enable), will, wont, o) }
func (c *Conn) askThem(o Option, enable bool) { c.tell(c.them[o].ask(enable), do, dont, o) }

func (c *Conn) tell(s say, positive, negative Command, o Option) {
	switch s {
	case yes:
		c.negotiation(positive, o)
	case no:
		c.negotiation(negative, o)
	}
}

// hearCommand is called for a command without an option. There is none that
// needs an answer: AYT is a question for servers.
func (c *Conn) hearCommand(cmd Command) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoke = true
	c.trace(false, cmd.String())
}

// hearOption is called for WILL, WONT, DO and DONT.
func (c *Conn) hearOption(verb Command, o Option) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spoke = true
	c.trace(false, verb.String(), o.String())
	if c.options.Wake {
		c.begin()
	}
	switch {
	case o == TimingMark:
		c.timingMark(verb)
	case verb == will || verb == wont:
		c.tell(c.them[o].hear(verb == will, welcomes(o)), do, dont, o)
		c.heardThem(o)
		c.decoder.binary = c.them[Binary].on()
	default:
		before := c.us[o].on()
		c.tell(c.us[o].hear(verb == do, c.offers(o)), will, wont, o)
		if o == WindowSize && !before && c.us[o].on() {
			c.windowSize()
		}
	}
}

// heardThem asks a side that echoes to leave out GA too: the two together are
// characters at a time (RFC 858, section 5), and some servers offer but one.
func (c *Conn) heardThem(o Option) {
	if o == Echo && c.them[Echo] == isYes && c.began {
		c.askThem(SuppressGoAhead, true)
	}
}

// timingMark is a question each time, not a state: RFC 860, where a refusal is
// as good an answer. Servers take consent for the wish to send lines ("kludge
// linemode" of 4.3BSD's telnetd), which is LINEMODE's business.
func (c *Conn) timingMark(verb Command) {
	switch verb {
	case do:
		c.negotiation(wont, TimingMark)
	case will, wont:
		c.decoder.skip.Store(false)
	}
}

// hearSub is called for a sub-negotiation, with the option taken off b. b is the
// decoder's.
func (c *Conn) hearSub(o Option, b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trace(false, "SB", o.String(), subText(b))
	if len(b) == 0 || b[0] != subSend || !c.us[o].on() {
		return // RFC 855: nothing was agreed that this could be about
	}
	switch o {
	case TerminalType:
		c.sub(o, append([]byte{subIs}, strings.ToUpper(c.options.Terminal)...))
	case TerminalSpeed:
		c.sub(o, append([]byte{subIs}, c.options.Speed...))
	case NewEnviron:
		c.sub(o, newDialect().environ(b[1:], c.options.Environ))
	case OldEnviron:
		c.sub(o, oldDialect(b[1:], c.options.RFCEnviron).environ(b[1:], c.options.Environ))
	}
}

// windowSize is RFC 1073: two 16-bit numbers, the width first.
func (c *Conn) windowSize() {
	b := binary.BigEndian.AppendUint16(nil, c.column)
	c.sub(WindowSize, binary.BigEndian.AppendUint16(b, c.row))
}

// sub queues a sub-negotiation.
func (c *Conn) sub(o Option, b []byte) {
	c.trace(true, "SB", o.String(), subText(b))
	c.out = append(c.out, byte(iac), byte(sb), byte(o))
	for _, v := range b {
		if v == byte(iac) {
			c.out = append(c.out, v)
		}
		c.out = append(c.out, v)
	}
	c.out = append(c.out, byte(iac), byte(se))
}

// subText shows a sub-negotiation to a person.
func subText(b []byte) string {
	if len(b) == 0 {
		return "(empty)"
	}
	return strconv.Quote(string(b))
}
