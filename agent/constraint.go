package agent

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// An AddedKey is a private key on its way to an agent.
type AddedKey struct {
	Private *key.Private
	// Certificate is a certificate's blob for the key, nil for the key alone.
	Certificate []byte
	Comment     string
	Lifetime    time.Duration // whole seconds; 0: for ever
	Confirm     bool          // ask the user before each use
	// Destinations are what the key may be used for; none is everything.
	Destinations []Destination
	// Provider is the library that speaks to a security key; "" for others.
	Provider string
}

// Constraints of a key (RFC 9987, section 6.2).
const (
	constrainLifetime  = 1
	constrainConfirm   = 2
	constrainExtension = 255
)

// A constraint is how one constraint travels. read and append are what follows
// its number, or, for an extension, its name.
type constraint struct {
	number byte
	name   string // of an extension
	given  func(k *AddedKey) bool
	read   func(r *wire.Reader, k *AddedKey) error
	append func(b []byte, k *AddedKey) ([]byte, error)
}

// constraints are those that are kept to. What isn't here has an unknown length
// and an unknown meaning, and must be refused: to drop it would be to give out
// what the owner held back. associated-certs-v00@openssh.com belongs to tokens,
// which are not served.
var constraints = [...]constraint{
	{constrainLifetime, "", func(k *AddedKey) bool { return k.Lifetime > 0 }, readLifetime, appendLifetime},
	{constrainConfirm, "", func(k *AddedKey) bool { return k.Confirm }, readConfirm, nil},
	{constrainExtension, "sk-provider@openssh.com", func(k *AddedKey) bool { return k.Provider != "" }, readProvider, appendProvider},
	{constrainExtension, "restrict-destination-v00@openssh.com", func(k *AddedKey) bool { return len(k.Destinations) > 0 }, readDestined, appendDestined},
}

func readLifetime(r *wire.Reader, k *AddedKey) error {
	k.Lifetime = time.Duration(r.Uint32()) * time.Second
	if k.Lifetime == 0 && r.Err() == nil {
		return errors.New("lifetime is 0")
	}
	return nil
}

func appendLifetime(b []byte, k *AddedKey) ([]byte, error) {
	if k.Lifetime%time.Second != 0 || k.Lifetime/time.Second > 1<<32-1 {
		return nil, fmt.Errorf("lifetime %v is not a number of seconds", k.Lifetime)
	}
	return wire.AppendUint32(b, uint32(k.Lifetime/time.Second)), nil
}

func readConfirm(_ *wire.Reader, k *AddedKey) error {
	k.Confirm = true
	return nil
}

func readProvider(r *wire.Reader, k *AddedKey) error {
	if k.Provider = r.String(); k.Provider == "" && r.Err() == nil {
		return errors.New("provider has no name")
	}
	return nil
}

func appendProvider(b []byte, k *AddedKey) ([]byte, error) {
	return wire.AppendString(b, k.Provider), nil
}

func readDestined(r *wire.Reader, k *AddedKey) (err error) {
	if k.Destinations, err = readDestinations(r.Bytes()); err == nil && len(k.Destinations) == 0 && r.Err() == nil {
		return errors.New("key has no destination at all")
	}
	return err
}

func appendDestined(b []byte, k *AddedKey) ([]byte, error) {
	return appendDestinations(b, k.Destinations)
}

// readConstraints reads up to the end.
func readConstraints(r *wire.Reader, k *AddedKey) error {
	for r.Len() > 0 && r.Err() == nil {
		c, err := nextConstraint(r)
		if err != nil {
			return err
		}
		if c.given(k) {
			return errors.New("constraint is given twice")
		}
		if err := c.read(r, k); err != nil {
			return err
		}
	}
	return r.End()
}

func nextConstraint(r *wire.Reader) (*constraint, error) {
	number, name := r.Byte(), ""
	if number == constrainExtension {
		name = r.String()
	}
	for i := range constraints {
		if constraints[i].number == number && constraints[i].name == name {
			return &constraints[i], nil
		}
	}
	return nil, fmt.Errorf("constraint %d %.64q is unknown", number, name)
}

// appendAdded begins the message that adds a key.
func appendAdded(k AddedKey) (b []byte, err error) {
	if k.Private == nil {
		return nil, errors.New("no private key was given")
	}
	if k.Lifetime < 0 {
		return nil, fmt.Errorf("lifetime %v is over already", k.Lifetime)
	}
	b = newMessage(msgAddIdentity)
	if b, err = appendPrivate(b, k.Private, k.Certificate); err != nil {
		return nil, err
	}
	b = wire.AppendString(b, k.Comment)
	plain := len(b)
	if b, err = appendConstraints(b, &k); len(b) > plain {
		b[4] = msgAddConstrained
	}
	return b, err
}

func appendConstraints(b []byte, k *AddedKey) (_ []byte, err error) {
	for i := range constraints {
		c := &constraints[i]
		if !c.given(k) {
			continue
		}
		b = append(b, c.number)
		if c.name != "" {
			b = wire.AppendString(b, c.name)
		}
		if c.append == nil {
			continue
		}
		if b, err = c.append(b, k); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// readAdded is appendAdded's other half, for what follows the message number.
func readAdded(r *wire.Reader, constrained bool) (k AddedKey, err error) {
	private, certificate, err := readPrivate(r)
	if err != nil {
		return k, err
	}
	k = AddedKey{Private: private, Certificate: bytes.Clone(certificate), Comment: r.String()}
	if constrained {
		return k, readConstraints(r, &k)
	}
	return k, r.End()
}
