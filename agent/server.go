package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// A Keyring holds the keys that [Serve] gives out. Its methods are called from
// one goroutine for each connection. Any error is a failure to the peer, who is
// not told why.
type Keyring interface {
	// List returns the keys. The caller must not change them.
	List(ctx context.Context) ([]Identity, error)
	// Sign returns a signature blob over data with the key that has this blob.
	// Flags that aren't known must be refused.
	Sign(ctx context.Context, blob, data []byte, flags uint32) ([]byte, error)
	// Add takes a key. What it can't honour in it, it must refuse.
	Add(ctx context.Context, k AddedKey) error
	// Remove forgets the key that has this blob.
	Remove(ctx context.Context, blob []byte) error
	// RemoveAll forgets all keys.
	RemoveAll(ctx context.Context) error
}

// A request is what can be asked: its number, and what makes the answer, which
// begins with newMessage.
type request struct {
	number byte
	answer func(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error)
}

var requests = [...]request{
	{msgRequestIdentities, answerList},
	{msgSignRequest, answerSign},
	{msgAddIdentity, answerAdd},
	{msgAddConstrained, answerAddConstrained},
	{msgRemoveIdentity, answerRemove},
	{msgRemoveAll, answerRemoveAll},
}

// Serve answers the requests on a connection, which it owns, until the peer
// ends it, which is no error, or ctx does. A request that is unknown, malformed
// or refused gets a failure; a message that is too long ends the connection.
func Serve(ctx context.Context, conn io.ReadWriteCloser, k Keyring) error {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for {
		message, err := readMessage(conn)
		if err == nil {
			reply := answer(ctx, k, message)
			clear(message) // it may have been a private key
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

func answer(ctx context.Context, k Keyring, message []byte) []byte {
	r := wire.NewReader(message)
	number := r.Byte()
	for i := range requests {
		if requests[i].number != number {
			continue
		}
		reply, err := requests[i].answer(ctx, k, &r)
		if err == nil && len(reply)-4 <= MaxMessage {
			return reply
		}
		break
	}
	return newMessage(msgFailure)
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
	added, err := readAdded(r)
	if err != nil {
		return nil, err
	}
	return done(r.End(), func() error { return k.Add(ctx, added) })
}

func answerAddConstrained(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	added, err := readAdded(r)
	if err != nil {
		return nil, err
	}
	return done(readConstraints(r, &added), func() error { return k.Add(ctx, added) })
}

func answerRemove(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	blob := r.Bytes()
	return done(r.End(), func() error { return k.Remove(ctx, blob) })
}

func answerRemoveAll(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	return done(r.End(), func() error { return k.RemoveAll(ctx) })
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

func readAdded(r *wire.Reader) (AddedKey, error) {
	k, err := key.ReadPrivate(r)
	if err != nil {
		return AddedKey{}, err
	}
	comment := r.String()
	return AddedKey{Private: k, Comment: comment}, r.Err()
}

// readConstraints reads up to the end. An unknown constraint has an unknown
// length and an unknown meaning, so that it must be refused: to drop it would be
// to give out what the owner held back.
func readConstraints(r *wire.Reader, k *AddedKey) error {
	for r.Len() > 0 {
		switch number := r.Byte(); number {
		case constrainLifetime:
			if k.Lifetime != 0 {
				return errors.New("constraint is given twice")
			}
			k.Lifetime = time.Duration(r.Uint32()) * time.Second
		case constrainConfirm:
			if k.Confirm {
				return errors.New("constraint is given twice")
			}
			k.Confirm = true
		default:
			return fmt.Errorf("constraint %d is unknown", number)
		}
	}
	return r.End()
}
