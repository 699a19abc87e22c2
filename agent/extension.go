package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nacre-ssh/nacre/wire"
)

// extQuery is the extension that lists the extensions (RFC 9987, section 5.8.1).
const extQuery = "query"

var (
	errToken     = errors.New("keys of smartcards and tokens are not served: nothing is loaded into the agent")
	errExtension = errors.New("extension is unknown")
	errNoLock    = errors.New("keyring can't be locked")
	errLocked    = errors.New("agent is locked")
)

func refuseToken(context.Context, Keyring, *wire.Reader) ([]byte, error) { return nil, errToken }

func lockerOf(k Keyring, password []byte, r *wire.Reader) (Locker, error) {
	if err := r.End(); err != nil {
		return nil, err
	}
	if len(password) == 0 || len(password) > maxPassword {
		return nil, fmt.Errorf("password has %d bytes, 1 to %d are taken", len(password), maxPassword)
	}
	l, ok := k.(Locker)
	if !ok {
		return nil, errNoLock
	}
	return l, nil
}

func isLocked(k Keyring) bool {
	l, ok := k.(Locker)
	return ok && l.Locked()
}

// answerExtension tells one that is unknown from one that fails, by the number
// of the failure.
func answerExtension(ctx context.Context, k Keyring, r *wire.Reader) ([]byte, error) {
	name := r.String()
	if err := r.Err(); err != nil {
		return nil, err
	}
	body := r.Rest()
	var reply []byte
	var err error
	extender, _ := k.(Extender)
	switch {
	case name == extBind: // also while the agent is locked, so that it tells the truth afterwards
		reply, err = done(nil, func() error { return PeerOf(ctx).bind(body) })
	case isLocked(k):
		return nil, errLocked
	case extender == nil && name == extQuery:
		return answerQuery(nil, body)
	case name == extQuery:
		return answerQuery(extender.Extensions(), body)
	case extender == nil || !slices.Contains(extender.Extensions(), name):
		return nil, fmt.Errorf("%w: %.64q", errExtension, name)
	default:
		if reply, err = extender.Extension(ctx, name, body); err == nil {
			reply = append(newMessage(msgSuccess), reply...)
		}
	}
	if err != nil {
		return newMessage(msgExtensionFailure), fmt.Errorf("extension %s: %w", name, err)
	}
	return reply, nil
}

func answerQuery(names []string, body []byte) ([]byte, error) {
	if len(body) > 0 {
		return nil, errors.New("query has something behind it")
	}
	b := wire.AppendString(newMessage(msgExtensionResponse), extQuery)
	for _, name := range append([]string{extBind}, names...) {
		b = wire.AppendString(b, name)
	}
	return b, nil
}

// Extension sends a message of an extension and returns what follows the number
// of the answer, without the extension's name where that is repeated. An agent
// that doesn't know it, or can't do it, answers [ErrFailure].
func (c *Client) Extension(ctx context.Context, name string, body []byte) ([]byte, error) {
	b := append(wire.AppendString(newMessage(msgExtension), name), body...)
	defer clear(b)
	var rest []byte
	err := c.request(ctx, b, func(number byte, r *wire.Reader) error {
		switch number {
		case msgSuccess:
			rest = r.Rest()
		case msgExtensionResponse:
			if got := r.String(); r.Err() == nil && got != name {
				return fmt.Errorf("it is about %.64q", got)
			}
			rest = r.Rest()
		case msgExtensionFailure:
			return ErrFailure
		default:
			return fmt.Errorf("its number is %d", number)
		}
		return r.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("ask the agent for %s: %w", name, err)
	}
	return rest, nil
}

// Extensions asks which extensions the agent has.
func (c *Client) Extensions(ctx context.Context) ([]string, error) {
	body, err := c.Extension(ctx, extQuery, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	for r := wire.NewReader(body); r.Len() > 0; {
		names = append(names, r.String())
		if err := r.Err(); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	return names, nil
}
