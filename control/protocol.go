package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"

	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/wire"
)

// version is the protocol's (PROTOCOL.mux, section 1).
const version = 4

// Messages (PROTOCOL.mux, section 11). Those of info are not in that text but in
// OpenSSH's mux.c since 10.1, where they are an extension named "info".
const (
	msgHello         = 0x00000001
	msgNewSession    = 0x10000002
	msgAliveCheck    = 0x10000004
	msgTerminate     = 0x10000005
	msgOpenForward   = 0x10000006
	msgCloseForward  = 0x10000007
	msgNewStdio      = 0x10000008
	msgStopListening = 0x10000009
	msgProxy         = 0x1000000f
	msgInfo          = 0x20000001

	msgOK              = 0x80000001
	msgDenied          = 0x80000002
	msgFailure         = 0x80000003
	msgExit            = 0x80000004
	msgAlive           = 0x80000005
	msgSessionOpened   = 0x80000006
	msgRemotePort      = 0x80000007
	msgTTYFailed       = 0x80000008
	msgProxyReady      = 0x8000000f
	msgInfoReply       = 0x90000001
	forwardLocal       = 1
	forwardRemote      = 2
	forwardDynamic     = 3
	portStreamLocal    = 0xfffffffe // stands for a path instead of a host
	noEscape           = 0xffffffff
	extensionInfo      = "info"
	extensionInfoValue = "0"

	// extensionAnswers is nacre's own: see Conn.Client.
	extensionAnswers = "proxy-answers@nacre-ssh.github.io"
)

// Limits of ours.
const (
	// maxMessage caps one message in bytes; an environment is the longest.
	maxMessage = 1 << 20
	// maxEnv caps the variables of a session, as OpenSSH does.
	maxEnv = 4096
	// maxText caps what a master may say for a person, in bytes.
	maxText = 256 << 10
)

// masterExtensions are what a master says of itself, names and values.
var masterExtensions = [...]string{extensionInfo, extensionInfoValue, extensionAnswers, "0"}

// errMalformed is a message that isn't what its type says.
var errMalformed = errors.New("malformed message")

// A link is one end of a control connection. One goroutine receives; any may
// send.
type link struct {
	nc *net.UnixConn
	mu sync.Mutex
}

// send sends one message.
func (l *link) send(body []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(body)), uint32(len(body)))
	_, err := l.nc.Write(append(b, body...))
	return err
}

// receive reads one message and not a byte more: descriptors may follow.
func (l *link) receive() (kind uint32, body wire.Reader, err error) {
	return readMessage(l.nc)
}

func readMessage(from io.Reader) (kind uint32, body wire.Reader, err error) {
	var head [4]byte
	if _, err := io.ReadFull(from, head[:]); err != nil {
		return 0, body, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 4 || n > maxMessage {
		return 0, body, fmt.Errorf("a message of %d bytes", n)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(from, b); err != nil {
		return 0, body, err
	}
	body = wire.NewReader(b)
	return body.Uint32(), body, nil
}

// files takes n passed descriptors.
func (l *link) files(n int) ([]*os.File, error) {
	var list []*os.File
	for range n {
		f, err := netx.ReceiveFile(l.nc)
		if err != nil {
			closeAll(list)
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}

func closeAll(list []*os.File) {
	for _, f := range list {
		f.Close()
	}
}

func message(kind uint32, fields ...uint32) []byte {
	b := wire.AppendUint32(nil, kind)
	for _, f := range fields {
		b = wire.AppendUint32(b, f)
	}
	return b
}

func hello(extensions ...string) []byte {
	b := message(msgHello, version)
	for _, s := range extensions {
		b = wire.AppendString(b, s)
	}
	return b
}

// A greeting is what a peer says of itself in its first message.
type greeting struct {
	info    bool // it knows info
	answers bool // it passes answers on to clients that speak SSH themselves
}

// readHello checks the peer's first message.
func readHello(kind uint32, r *wire.Reader) (g greeting, err error) {
	if kind != msgHello {
		return g, fmt.Errorf("the first message is %#x and not a hello", kind)
	}
	if v := r.Uint32(); r.Err() != nil || v != version {
		return g, fmt.Errorf("version %d of the protocol is not supported", v)
	}
	for r.Len() > 0 {
		name := r.String()
		r.Bytes()
		g.info = g.info || name == extensionInfo
		g.answers = g.answers || name == extensionAnswers
	}
	if r.Err() != nil {
		return g, errMalformed
	}
	return g, nil
}

// sameUser refuses a peer that is somebody else's process. On systems that don't
// tell, the socket's directory is what protects it.
func sameUser(nc *net.UnixConn) error {
	uid, err := netx.PeerUID(nc)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return fmt.Errorf("asking who is at the other end: %w", err)
	case uid != 0 && int64(uid) != int64(os.Geteuid()):
		return fmt.Errorf("it belongs to user %d, and not to this one", uid)
	}
	return nil
}
