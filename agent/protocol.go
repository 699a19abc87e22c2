package agent

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/nacre-ssh/nacre/key"
)

// Message numbers (RFC 9987, section 6.1).
const (
	msgFailure           = 5
	msgSuccess           = 6
	msgRemoveAllRSA1     = 9 // of SSH 1
	msgRequestIdentities = 11
	msgIdentitiesAnswer  = 12
	msgSignRequest       = 13
	msgSignResponse      = 14
	msgAddIdentity       = 17
	msgRemoveIdentity    = 18
	msgRemoveAll         = 19
	msgAddToken          = 20 // smartcards and their kin: refused
	msgRemoveToken       = 21
	msgLock              = 22
	msgUnlock            = 23
	msgAddConstrained    = 25
	msgAddTokenConstr    = 26
	msgExtension         = 27
	msgExtensionFailure  = 28
	msgExtensionResponse = 29
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
	// MaxBindings caps the hops that one connection tells about.
	MaxBindings = 16
	// MaxDestinations caps the destinations that a key is held to.
	MaxDestinations = 1024

	maxSessionID = 128
	maxUser      = 256 // of a destination's pattern
	maxPassword  = 4096
)

// Limits of ours alone.
const (
	// MaxClients caps the connections that one [Listener] serves at once.
	MaxClients = 512
	// firstRead is how much of a message gets memory before it has come.
	firstRead = 4096
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
	// a certificate; see [Plain].
	Key     key.Public
	Blob    []byte
	Comment string
}

// readMessage reads one message: its length as uint32, then as many bytes, of
// which there is at least one. The caller owns it. An end of the stream before
// the first byte is io.EOF. Memory grows with what comes, not with what is
// announced.
func readMessage(r io.Reader) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if n == 0 || n > MaxMessage {
		return nil, fmt.Errorf("message has %d bytes, 1 to %d are taken", n, MaxMessage)
	}
	b := make([]byte, min(int(n), firstRead))
	for at := 0; ; {
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			clear(b)
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if at = len(b); at == int(n) {
			return b, nil
		}
		more := make([]byte, min(int(n), 4*len(b)))
		copy(more, b)
		clear(b) // it may be a private key
		b = more
	}
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

// A Peer is who asks, as far as a connection has told: the SSH connections that
// it came through. It belongs to the goroutine that serves the connection.
type Peer struct {
	bindings  []Binding
	attempted bool
}

// A Binding is one SSH connection that an agent's connection goes through or
// logs in to (PROTOCOL.agent, section 1). The host has proved itself.
type Binding struct {
	HostKey   []byte // blob, of a key or a certificate
	SessionID []byte
	// Forwarded tells a connection that the agent is forwarded over from one
	// whose login the agent is asked to sign.
	Forwarded bool
}

// Remote reports whether the peer has said, or tried to, that it is on another
// host.
func (p *Peer) Remote() bool { return p.attempted || len(p.bindings) > 0 }

type peerKey struct{}

// WithPeer returns a context for the calls of one peer; [Serve] makes it.
func WithPeer(ctx context.Context, p *Peer) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}

// PeerOf returns who asks. Without one it is this process: a Peer that has told
// nothing.
func PeerOf(ctx context.Context) *Peer {
	if p, ok := ctx.Value(peerKey{}).(*Peer); ok {
		return p
	}
	return new(Peer)
}
