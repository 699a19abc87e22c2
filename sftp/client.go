package sftp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/nacre-ssh/nacre/wire"
)

// A Client is one conversation with a server. Its methods may be called from any
// goroutine; they take turns.
type Client struct {
	mu         sync.Mutex
	rw         io.ReadWriter
	id         uint32
	extensions map[string]string
	broken     error // what ended the conversation
}

// NewClient greets the server at the other end of rw.
func NewClient(rw io.ReadWriter) (*Client, error) {
	c := &Client{rw: rw, extensions: map[string]string{}}
	if err := c.write(wire.AppendUint32([]byte{msgInit}, version)); err != nil {
		return nil, err
	}
	kind, r, err := c.read()
	if err != nil {
		return nil, err
	}
	if kind != msgVersion {
		return nil, fmt.Errorf("the server's first message has the number %d, which is no SFTP version", kind)
	}
	if v := r.Uint32(); r.Err() == nil && v < version {
		return nil, fmt.Errorf("the server speaks version %d of SFTP; %d is needed", v, version)
	}
	for r.Err() == nil && r.Len() > 0 {
		name, value := r.String(), r.String()
		if len(c.extensions) == maxExtensions {
			return nil, fmt.Errorf("the server lists more than %d extensions", maxExtensions)
		}
		c.extensions[name] = value
	}
	return c, r.Err()
}

// request starts a message: its number is filled in by ask.
func request(kind byte) []byte { return []byte{kind, 0, 0, 0, 0} }

// ask sends a request and returns its reply. A status other than OK and EOF is a
// *StatusError of the operation op on path; EOF is io.EOF.
func (c *Client) ask(op, path string, b []byte) (kind byte, r wire.Reader, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return 0, r, c.broken
	}
	c.id++
	binary.BigEndian.PutUint32(b[1:], c.id)
	if err = c.write(b); err == nil {
		kind, r, err = c.read()
	}
	if err == nil {
		if id := r.Uint32(); r.Err() != nil || id != c.id {
			err = errors.New("the SFTP server answers what was not asked")
		}
	}
	if err != nil {
		c.broken = err
		return 0, r, err
	}
	if kind == msgStatus {
		err = status(op, path, &r)
	}
	return kind, r, err
}

func status(op, path string, r *wire.Reader) error {
	code, text := r.Uint32(), ""
	if r.Len() > 0 { // servers of version 2 and some of 3 say nothing more
		text = r.String()
	}
	switch {
	case r.Err() != nil:
		return r.Err()
	case code == statusOK:
		return nil
	case code == statusEOF:
		return io.EOF
	}
	return &StatusError{Op: op, Path: path, Code: code, Text: text}
}

// done asks for what has a status as its only answer.
func (c *Client) done(op, path string, b []byte) error {
	kind, _, err := c.ask(op, path, b)
	if err == nil && kind != msgStatus {
		return fmt.Errorf("%s %s: the SFTP server answers with message %d", op, path, kind)
	}
	return err
}

func (c *Client) write(b []byte) error {
	packet := append(wire.AppendUint32(make([]byte, 0, 4+len(b)), uint32(len(b))), b...)
	if _, err := c.rw.Write(packet); err != nil {
		return fmt.Errorf("sending to the SFTP server: %w", err)
	}
	return nil
}

// read returns a message: its number and what follows it.
func (c *Client) read() (byte, wire.Reader, error) {
	var head [5]byte
	if _, err := io.ReadFull(c.rw, head[:]); err != nil {
		return 0, wire.Reader{}, ended(err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 1 || n > maxReply {
		return 0, wire.Reader{}, fmt.Errorf("the server's message of %d bytes is not SFTP; a start-up file of the shell there may print text", n)
	}
	b := make([]byte, n-1)
	if _, err := io.ReadFull(c.rw, b); err != nil {
		return 0, wire.Reader{}, ended(err)
	}
	return head[4], wire.NewReader(b), nil
}

func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the SFTP server has ended; the account may not be allowed to use it")
	}
	return fmt.Errorf("reading from the SFTP server: %w", err)
}
