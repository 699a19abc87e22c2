package telnet

import (
	"encoding/binary"
	"errors"
	"net"
	"strings"
	"sync"
)

// A Login says who wants to be whom, for rlogin.
type Login struct {
	Local, Remote string // user names; the server trusts Local on its word
	Terminal      string // terminal type, such as "xterm"
	Speed         string // bits a second, such as "38400"
	Columns, Rows uint16
}

// An Rlogin speaks rlogin (RFC 1282) as the client. One goroutine may read while
// others write. Made by NewRlogin.
type Rlogin struct {
	net.Conn
	in      *input
	greeted bool // the server's first byte was taken

	mu          sync.Mutex
	wanted      bool // the server asked for the window's size
	column, row uint16
}

// What the server says in urgent data: RFC 1282, section 4.
const (
	rloginWindow = 0x80 // tell the window's size, now and when it changes
)

// NewRlogin speaks rlogin over nc, which servers want to come from a port below
// 1024. It fails on names that end what they stand in.
func NewRlogin(nc net.Conn, l Login) (*Rlogin, error) {
	for _, name := range []string{l.Local, l.Remote} {
		if err := CheckUser(name); err != nil {
			return nil, err
		}
	}
	if l.Remote == "" {
		return nil, errors.New("rlogin needs a user's name")
	}
	line := l.Terminal + "/" + l.Speed
	if len(line) > maxName || strings.ContainsRune(line, 0) {
		return nil, errors.New("terminal type or speed is too long")
	}
	r := &Rlogin{Conn: nc, in: newInput(nc), column: l.Columns, row: l.Rows}
	_, err := nc.Write([]byte("\x00" + l.Local + "\x00" + l.Remote + "\x00" + line + "\x00"))
	return r, err
}

// Read reads data. Its first byte, the server's consent, and what the server
// says in between are dealt with.
func (r *Rlogin) Read(p []byte) (int, error) {
	for {
		n, _, err := r.in.read(p)
		if n > 0 && r.in.mark {
			e := r.control(p[0])
			n = copy(p, p[1:n])
			if e != nil && err == nil {
				err = e
			}
		}
		if n > 0 && !r.greeted {
			r.greeted = true
			if p[0] <= 1 { // 0 is consent; 1 begins a complaint, which is shown
				n = copy(p, p[1:n])
			}
		}
		if n > 0 || err != nil || len(p) == 0 {
			return n, err
		}
	}
}

func (r *Rlogin) control(c byte) error {
	if c&rloginWindow == 0 {
		return nil // flushing is over when this is read; flow control is the terminal's
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wanted = true
	return r.tellSize()
}

// Resize tells the window's size, now or when the server asks.
func (r *Rlogin) Resize(columns, rows uint16) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.column, r.row = columns, rows
	if !r.wanted {
		return nil
	}
	return r.tellSize()
}

// tellSize is RFC 1282, section 5: it stands among the data, which can't be
// escaped.
func (r *Rlogin) tellSize() error {
	b := []byte{0xff, 0xff, 's', 's'}
	for _, v := range []uint16{r.row, r.column, 0, 0} {
		b = binary.BigEndian.AppendUint16(b, v)
	}
	_, err := r.Conn.Write(b)
	return err
}

// EndOfInput does nothing: rlogin has no word for it.
func (r *Rlogin) EndOfInput() error { return nil }

// Mode is always that of characters at a time, which the server echoes.
func (r *Rlogin) Mode() Mode { return Mode{} }
