package agent

import (
	"context"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/wire"
)

// A Keyring holds the keys that [Serve] gives out. Its methods are called from
// one goroutine for each connection, with a context that [PeerOf] reads. Any
// error is a failure to the peer, who is not told why.
type Keyring interface {
	// List returns the keys that the peer may see. The caller must not change
	// them.
	List(ctx context.Context) ([]Identity, error)
	// Sign returns a signature blob over data with the key that has this blob.
	// Flags that aren't known must be refused.
	Sign(ctx context.Context, blob, data []byte, flags uint32) ([]byte, error)
	// Add takes a key. What it can't honour in it, it must refuse. The private
	// key is wiped when it returns.
	Add(ctx context.Context, k AddedKey) error
	// Remove forgets the key that has this blob.
	Remove(ctx context.Context, blob []byte) error
	// RemoveAll forgets all keys.
	RemoveAll(ctx context.Context) error
}

// A Locker is a Keyring that can be locked with a password, which belongs to the
// caller. One that is locked has no keys and does nothing.
type Locker interface {
	Lock(ctx context.Context, password []byte) error
	Unlock(ctx context.Context, password []byte) error
	Locked() bool
}

// An Extender is a Keyring that knows messages of its own (RFC 9987, section
// 5.8).
type Extender interface {
	// Extensions are their names.
	Extensions() []string
	// Extension answers one of them with what follows the number of a
	// success, which the caller owns.
	Extension(ctx context.Context, name string, body []byte) ([]byte, error)
}

// A request is what can be asked: its number, and what makes the answer, which
// begins with newMessage. An error without an answer is a failure.
type request struct {
	number byte
	answer func(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error)
}

// requests are what is answered. Nothing is loaded into this process because a
// peer asked, so that the messages about tokens fail.
var requests = [...]request{
	{msgRequestIdentities, answerList},
	{msgSignRequest, answerSign},
	{msgAddIdentity, answerAdd},
	{msgAddConstrained, answerAddConstrained},
	{msgRemoveIdentity, answerRemove},
	{msgRemoveAll, answerRemoveAll},
	{msgRemoveAllRSA1, answerNothing},
	{msgAddToken, refuseToken},
	{msgRemoveToken, refuseToken},
	{msgAddTokenConstr, refuseToken},
	{msgLock, answerLock},
	{msgUnlock, answerUnlock},
	{msgExtension, answerExtension},
}

// Serve answers the requests on a connection, which it owns, until the peer
// ends it, which is no error, or ctx does. A request that is unknown, malformed
// or refused gets a failure; a message that is too long ends the connection.
func Serve(ctx context.Context, conn io.ReadWriteCloser, k Keyring) error {
	return serveWith(ctx, conn, k, nil)
}

// serveWith is Serve that also tells why a request failed.
func serveWith(ctx context.Context, conn io.ReadWriteCloser, k Keyring, refused func(error)) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	ctx = WithPeer(ctx, new(Peer))
	for {
		message, err := readMessage(conn)
		if err == nil {
			burn() // so that the stack needn't grow, and leave a copy, in the answer
			reply, reason := answer(ctx, k, message)
			burn()
			clear(message) // it may have been a private key
			if reason != nil && refused != nil {
				refused(reason)
			}
			err = writeMessage(conn, reply)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("serve an agent's peer: %w", err)
		}
	}
}

// answer returns the reply to a message, and why it is a failure.
func answer(ctx context.Context, k Keyring, message []byte) ([]byte, error) {
	r := wire.NewReader(message)
	number := r.Byte()
	var reason error
	for i := range requests {
		if requests[i].number != number {
			continue
		}
		reply, err := requests[i].answer(ctx, k, &r)
		if len(reply)-4 > MaxMessage {
			reply, err = nil, fmt.Errorf("answer has %d bytes", len(reply))
		}
		if reply != nil {
			return reply, err
		}
		reason = fmt.Errorf("message %d: %w", number, err)
		break
	}
	if reason == nil {
		reason = fmt.Errorf("message %d is unknown", number)
	}
	return newMessage(msgFailure), reason
}

func answerList(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	if err := r.End(); err != nil {
		return nil, err
	}
	list, err := k.List(ctx)
	if err != nil {
		return nil, err
	}
	b := wire.AppendUint32(newMessage(msgIdentitiesAnswer), uint32(len(list)))
	for _, id := range list {
		b = wire.AppendString(b, id.Blob)
		b = wire.AppendString(b, id.Comment)
	}
	return b, nil
}

func answerSign(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	blob, data, flags := r.Bytes(), r.Bytes(), r.Uint32()
	if err := r.End(); err != nil {
		return nil, err
	}
	signature, err := k.Sign(ctx, blob, data, flags)
	if err != nil {
		return nil, err
	}
	return wire.AppendString(newMessage(msgSignResponse), signature), nil
}

func answerAdd(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	return add(ctx, k, r, false)
}

func answerAddConstrained(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	return add(ctx, k, r, true)
}

func add(ctx context.Context, k Keyring, r *wire.Reader, constrained bool) ([]byte, error) {
	added, err := readAdded(r, constrained)
	if added.Private != nil {
		defer wipe(added.Private)
	}
	return done(err, func() error { return k.Add(ctx, added) })
}

func answerRemove(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	blob := r.Bytes()
	return done(r.End(), func() error { return k.Remove(ctx, blob) })
}

func answerRemoveAll(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	return done(r.End(), func() error { return k.RemoveAll(ctx) })
}

// answerNothing is for what there never is: PuTTY asks to remove SSH 1's keys
// too, and takes a failure for one.
func answerNothing(_ context.Context, _ Keyring, r *wire.Reader) ([]byte, error) {
	return done(r.End(), func() error { return nil })
}

func answerLock(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	password := r.Bytes()
	l, err := lockerOf(k, password, r)
	return done(err, func() error { return l.Lock(ctx, password) })
}

func answerUnlock(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	password := r.Bytes()
	l, err := lockerOf(k, password, r)
	return done(err, func() error { return l.Unlock(ctx, password) })
}

// done does what a request wants if it was well formed.
func done(malformed error, do func() error) ([]byte, error) {
	if malformed != nil {
		return nil, malformed
	}
	if err := do(); err != nil {
		return nil, err
	}
	return newMessage(msgSuccess), nil
}
