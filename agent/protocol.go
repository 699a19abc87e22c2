package agent

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nacre-ssh/nacre/key"
)

// Message numbers (draft-ietf-sshm-ssh-agent, section 6.1).
const (
	msgFailure           = 5
	msgSuccess           = 6
	msgRequestIdentities = 11
	msgIdentitiesAnswer  = 12
	msgSignRequest       = 13
	msgSignResponse      = 14
	msgAddIdentity       = 17
	msgRemoveIdentity    = 18
	msgRemoveAll         = 19
	msgAddConstrained    = 25
)

// Constraints of a key (section 6.2).
const (
	constrainLifetime = 1
	constrainConfirm  = 2
)

// Flags of a signature request (section 6.3). They choose among the algorithms
// of an RSA key; without one it is ssh-rsa.
const (
	FlagRSASHA256 uint32 = 2
	FlagRSASHA512 uint32 = 4
)

// Limits of ours, the same as OpenSSH's.
const (
	// MaxMessage caps a message in bytes, without its length field.
	MaxMessage = 256 * 1024
	// MaxIdentities caps the keys in one agent.
	MaxIdentities = 2048
)

// What an agent can answer, or fail to.
var (
	// ErrFailure is the agent's only word for no: the key is not there, a
	// constraint forbids it, the user said no, or it doesn't know the
	// request.
	ErrFailure = errors.New("agent refused the operation")
	// ErrMalformed is wrapped where an answer can't be read. The connection
	// is closed then.
	ErrMalformed = errors.New("agent sent a malformed answer")
	// ErrClosed says that Close was called, or that the connection of a
	// [NewClient] broke earlier.
	ErrClosed = errors.New("connection to the agent is closed")
)

// An Identity is a key that an agent can sign with.
type Identity struct {
	// Key is nil where the blob is of a type that isn't known here, such as
	// a certificate.
	Key     key.Public
	Blob    []byte
	Comment string
}

// An AddedKey is a private key on its way to an agent.
type AddedKey struct {
	Private  *key.Private
	Comment  string
	Lifetime time.Duration // whole seconds; 0: for ever
	Confirm  bool          // ask the user before each use
}

// readMessage reads one message: its length as uint32, then as many bytes, of
// which there is at least one. The caller owns it. An end of the stream before
// the first byte is io.EOF.
func readMessage(r io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if n == 0 || n > MaxMessage {
		return nil, fmt.Errorf("message has %d bytes, 1 to %d are taken", n, MaxMessage)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return b, nil
}

// newMessage begins a message; writeMessage fills in its length and sends it in
// one write.
func newMessage(number byte) []byte { return []byte{0, 0, 0, 0, number} }

func writeMessage(w io.Writer, b []byte) error {
	if len(b)-4 > MaxMessage {
		return fmt.Errorf("message has %d bytes, at most %d are sent", len(b)-4, MaxMessage)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	_, err := w.Write(b)
	return err
}
