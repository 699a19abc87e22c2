package agent

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// A Client asks one agent. Any number of goroutines may use it; their requests
// go one after the other. The zero value is not usable.
type Client struct {
	turn   chan struct{} // holds one token, which guards what follows
	conn   io.ReadWriteCloser
	dial   func(context.Context) (io.ReadWriteCloser, error) // nil: there is no second connection
	closed bool
}

// Dial connects to an agent's socket, or on Windows its named pipe. A
// connection that breaks, or that a cancelled request leaves in the middle of an
// answer, is made again for the next request.
func Dial(ctx context.Context, socket string) (*Client, error) {
	if socket == "" {
		return nil, errors.New("no agent is named: SSH_AUTH_SOCK is not set")
	}
	dial := func(ctx context.Context) (io.ReadWriteCloser, error) { return Connect(ctx, socket) }
	conn, err := dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the agent: %w", err)
	}
	c := NewClient(conn)
	c.dial = dial
	return c, nil
}

// NewClient speaks to an agent through a connection that is there already. It
// owns the connection, whose Close must end a Read.
func NewClient(conn io.ReadWriteCloser) *Client {
	c := &Client{turn: make(chan struct{}, 1), conn: conn}
	c.turn <- struct{}{}
	return c
}

// Close ends the connection. It waits for a request that is under way, whose
// context can end it.
func (c *Client) Close() error {
	<-c.turn
	defer func() { c.turn <- struct{}{} }()
	c.closed = true
	return c.drop()
}

// drop closes the connection. The caller has the turn.
func (c *Client) drop() error {
	if c.conn == nil {
		return nil
	}
	err := c.conn.Close()
	c.conn = nil
	return err
}

// List returns the agent's keys, in its order.
func (c *Client) List(ctx context.Context) ([]Identity, error) {
	var list []Identity
	err := c.call(ctx, newMessage(msgRequestIdentities), msgIdentitiesAnswer, func(r *wire.Reader) error {
		var err error
		list, err = parseIdentities(r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the agent's keys: %w", err)
	}
	return list, nil
}

func parseIdentities(r *wire.Reader) ([]Identity, error) {
	n := r.Uint32()
	if n > MaxIdentities {
		return nil, fmt.Errorf("it lists %d keys, at most %d are taken", n, MaxIdentities)
	}
	list := make([]Identity, 0, min(int(n), r.Len()/8))
	for range n {
		id := Identity{Blob: r.Bytes(), Comment: r.String()}
		if err := r.Err(); err != nil {
			return nil, err
		}
		if k, err := key.ParsePublic(id.Blob); err == nil {
			id.Key = k
		}
		list = append(list, id)
	}
	return list, r.End()
}

// Sign asks for a signature with the key that has this blob, whatever its
// type. The flags are for RSA keys. The caller owns the signature blob, which is
// as the agent sent it.
func (c *Client) Sign(ctx context.Context, blob, data []byte, flags uint32) ([]byte, error) {
	b := newMessage(msgSignRequest)
	b = wire.AppendString(b, blob)
	b = wire.AppendString(b, data)
	b = wire.AppendUint32(b, flags)
	var signature []byte
	err := c.call(ctx, b, msgSignResponse, func(r *wire.Reader) error {
		signature = r.Bytes()
		return r.End()
	})
	if err != nil {
		return nil, fmt.Errorf("sign with the agent: %w", err)
	}
	return signature, nil
}

// Add gives the agent a key.
func (c *Client) Add(ctx context.Context, k AddedKey) error {
	b, err := appendAdded(k)
	if err == nil {
		defer func() { clear(b) }()
		err = c.call(ctx, b, msgSuccess, (*wire.Reader).End)
	}
	if err != nil {
		return fmt.Errorf("add a key to the agent: %w", err)
	}
	return nil
}

// Remove takes the key that has this blob out of the agent.
func (c *Client) Remove(ctx context.Context, blob []byte) error {
	b := wire.AppendString(newMessage(msgRemoveIdentity), blob)
	if err := c.call(ctx, b, msgSuccess, (*wire.Reader).End); err != nil {
		return fmt.Errorf("remove a key from the agent: %w", err)
	}
	return nil
}

// RemoveAll takes all keys out of the agent.
func (c *Client) RemoveAll(ctx context.Context) error {
	if err := c.call(ctx, newMessage(msgRemoveAll), msgSuccess, (*wire.Reader).End); err != nil {
		return fmt.Errorf("remove the agent's keys: %w", err)
	}
	return nil
}

// Lock makes the agent refuse everything until it is unlocked with the password.
func (c *Client) Lock(ctx context.Context, password []byte) error {
	return c.lock(ctx, msgLock, password, "lock")
}

// Unlock ends a lock. An agent answers a wrong password late.
func (c *Client) Unlock(ctx context.Context, password []byte) error {
	return c.lock(ctx, msgUnlock, password, "unlock")
}

func (c *Client) lock(ctx context.Context, number byte, password []byte, what string) error {
	b := wire.AppendString(newMessage(number), password)
	defer clear(b)
	if err := c.call(ctx, b, msgSuccess, (*wire.Reader).End); err != nil {
		return fmt.Errorf("%s the agent: %w", what, err)
	}
	return nil
}

// call sends one request, waits for its answer as long as ctx allows (an agent
// may be waiting for its user), and reads an answer with the expected number.
func (c *Client) call(ctx context.Context, request []byte, want byte, read func(*wire.Reader) error) error {
	return c.request(ctx, request, func(number byte, r *wire.Reader) error {
		if number != want {
			return fmt.Errorf("its number is %d, not %d", number, want)
		}
		return read(r)
	})
}

// request is call for any answer that isn't a failure. What read returns breaks
// the connection, unless it is ErrFailure.
func (c *Client) request(ctx context.Context, request []byte, read func(number byte, r *wire.Reader) error) error {
	if len(request)-4 > MaxMessage {
		return fmt.Errorf("request has %d bytes, at most %d are sent", len(request)-4, MaxMessage)
	}
	select {
	case <-c.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { c.turn <- struct{}{} }()
	reply, err := c.exchange(ctx, request)
	if err != nil {
		return err
	}
	r := wire.NewReader(reply)
	number := r.Byte()
	if number == msgFailure && r.Len() == 0 {
		return ErrFailure
	}
	if err := read(number, &r); err == ErrFailure {
		return err
	} else if err != nil {
		c.drop()
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// exchange sends a request and returns the answer. An error leaves no
// connection behind, because nobody could tell whose answer comes next.
func (c *Client) exchange(ctx context.Context, request []byte) (reply []byte, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.closed || c.conn == nil && c.dial == nil {
		return nil, ErrClosed
	}
	if c.conn == nil {
		if c.conn, err = c.dial(ctx); err != nil {
			c.conn = nil
			return nil, err
		}
	}
	conn := c.conn
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	if err = writeMessage(conn, request); err == nil {
		reply, err = readMessage(conn)
	}
	if !stop() || err != nil {
		c.drop()
	}
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == io.EOF {
		return nil, errors.New("agent closed the connection")
	}
	return reply, err
}
