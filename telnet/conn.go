package telnet

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
)

// Options say what the other side may learn and who begins. The zero value
// tells nothing and waits.
type Options struct {
	Terminal      string // terminal type, sent in capitals; "" refuses the option
	Speed         string // "38400,38400": out, in; "" refuses the option
	Columns, Rows uint16 // the window; 0 and 0 refuse the option until Resize
	Environ       []Variable
	RFCEnviron    bool // the old ENVIRON with RFC 1408's codes where a server shows none

	Active     bool // begin to negotiate, without waiting for the other side
	Wake       bool // begin as soon as the other side negotiates anything
	BinaryIn   bool // ask for eight bits from the other side
	BinaryOut  bool // ask to send eight bits
	Characters bool // when beginning, ask for characters at a time: an echo from the other side, and no GA

	// Trace is told each command and whether it was sent. It must not call the
	// Conn. Nil: nobody is told.
	Trace func(sent bool, text string)
}

// A Conn speaks Telnet over a connection, as the client. One goroutine may read
// while others write. Made by New; Close closes what is under it.
type Conn struct {
	net.Conn
	options Options
	in      *input
	decoder decoder
	urgent  bool // urgent data is on its way

	mu     sync.Mutex // guards what follows, and the order of what is sent
	us     [256]half  // options on this side: WILL, WONT
	them   [256]half  // options on the other side: DO, DONT
	began  bool       // the first round of options was sent
	spoke  bool       // the other side spoke Telnet
	out    []byte
	column uint16
	row    uint16
}

// ErrTooLong reports a sub-negotiation that does not end.
var ErrTooLong = errors.New("the other side's option text is longer than any option needs")

// New speaks Telnet over nc, and asks for options when o says so. It fails when
// o holds what must not be sent.
func New(nc net.Conn, o Options) (*Conn, error) {
	if len(o.Environ) > maxVariables {
		return nil, fmt.Errorf("%d variables are too many: %d are possible", len(o.Environ), maxVariables)
	}
	for _, v := range o.Environ {
		if err := v.Check(); err != nil {
			return nil, err
		}
	}
	if len(o.Terminal) > maxName || len(o.Speed) > maxName {
		return nil, errors.New("terminal type or speed is too long")
	}
	c := &Conn{Conn: nc, options: o, in: newInput(nc), column: o.Columns, row: o.Rows}
	c.decoder.heard = c
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.Active {
		c.begin()
	}
	return c, c.flush()
}

// begin asks for what this side wants.
func (c *Conn) begin() {
	if c.began {
		return
	}
	c.began = true
	if c.options.Characters {
		c.askThem(Echo, true)
		c.askThem(SuppressGoAhead, true)
	}
	for _, o := range []Option{TerminalType, WindowSize, TerminalSpeed, NewEnviron} {
		if c.offers(o) {
			c.askUs(o, true)
		}
	}
	if c.options.BinaryIn {
		c.askThem(Binary, true)
	}
	if c.options.BinaryOut {
		c.askUs(Binary, true)
	}
}

// offers says whether this side does an option when asked.
func (c *Conn) offers(o Option) bool {
	switch o {
	case Binary, SuppressGoAhead:
		return true
	case TerminalType:
		return c.options.Terminal != ""
	case TerminalSpeed:
		return c.options.Speed != ""
	case WindowSize:
		return c.column != 0 || c.row != 0
	case NewEnviron:
		return len(c.options.Environ) > 0
	case OldEnviron: // servers that get both ask for one, and wait for the other
		return len(c.options.Environ) > 0 && c.us[NewEnviron] == isNo
	}
	return false
}

// welcomes says whether the other side may do an option.
func welcomes(o Option) bool { return o == Binary || o == Echo || o == SuppressGoAhead }

// Read reads data. Commands and options are answered while it waits, so it has
// to be called as long as the connection lives.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		n, urgent, err := c.in.read(p)
		c.hearUrgent(urgent)
		kept, bad := c.decoder.decode(p[:n])
		c.mu.Lock()
		if e := c.flush(); e != nil && err == nil {
			err = e
		}
		c.mu.Unlock()
		if bad != nil {
			return kept, bad
		}
		if kept > 0 || err != nil || len(p) == 0 {
			return kept, err
		}
	}
}

// hearUrgent begins to drop data when urgent data is announced: up to the data
// mark (RFC 854, "The TELNET Synch signal"). Once for each announcement: a mark
// that comes before its urgent byte would else be waited for in vain.
func (c *Conn) hearUrgent(urgent bool) {
	if urgent && !c.urgent {
		c.decoder.urgent = true
	}
	c.urgent = urgent
}

// Write sends data. A carriage return with no line feed behind it in p is sent
// as RFC 854 wants it, with a NUL.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = appendData(c.out, p, c.us[Binary].on())
	if err := c.flush(); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Send sends commands.
func (c *Conn) Send(list ...Command) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cmd := range list {
		c.command(cmd)
	}
	return c.flush()
}

// Interrupt sends a command such as IP and asks for a timing mark; until that
// comes what was on the way is dropped, if the other side is known to speak
// Telnet and so will answer.
func (c *Conn) Interrupt(cmd Command) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.command(cmd)
	c.negotiation(do, TimingMark)
	c.decoder.skip.Store(c.spoke)
	return c.flush()
}

// Synch tells the other side to drop what it hasn't read: RFC 854, "The TELNET
// Synch signal".
func (c *Conn) Synch() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.command(DM)
	last := c.out[len(c.out)-1]
	c.out = c.out[:len(c.out)-1]
	if err := c.flush(); err != nil {
		return err
	}
	return sendUrgent(c.Conn, last)
}

// Ask asks the other side to begin or end an option: DO or DONT. It is sent
// only where it says something new.
func (c *Conn) Ask(o Option, enable bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.askThem(o, enable)
	return c.flush()
}

// Offer offers to begin, or ends, an option on this side: WILL or WONT. Only
// BINARY and SUPPRESS-GO-AHEAD can be offered that way.
func (c *Conn) Offer(o Option, enable bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o == Binary || o == SuppressGoAhead {
		c.askUs(o, enable)
	}
	return c.flush()
}

// Enabled reports which options are in force, on this side and on the other.
func (c *Conn) Enabled(o Option) (us, them bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.us[o].on(), c.them[o].on()
}

// Mode says how to treat the keyboard: the other side echoes when it said so,
// and wants characters at a time when it leaves out GA.
func (c *Conn) Mode() Mode {
	c.mu.Lock()
	defer c.mu.Unlock()
	return Mode{Echo: !c.them[Echo].on(), Edit: !c.them[SuppressGoAhead].on()}
}

// Resize tells the window's size, now or when the other side wants to know.
func (c *Conn) Resize(columns, rows uint16) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.column, c.row = columns, rows
	if c.us[WindowSize].on() {
		c.windowSize()
	}
	return c.flush()
}

// EndOfInput sends EOF: the connection stays open for the answer.
func (c *Conn) EndOfInput() error { return c.Send(EOF) }

// SetEnviron changes what the other side may learn from now on.
func (c *Conn) SetEnviron(list []Variable) error {
	for _, v := range list {
		if err := v.Check(); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options.Environ = list
	return nil
}

// SetTrace changes who is told each command; nil is nobody.
func (c *Conn) SetTrace(trace func(sent bool, text string)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options.Trace = trace
}

func (c *Conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.Conn.Write(c.out)
	c.out = c.out[:0]
	return err
}

func (c *Conn) trace(sent bool, words ...string) {
	if c.options.Trace != nil {
		c.options.Trace(sent, strings.Join(words, " "))
	}
}
