package agent

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"unsafe"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"
)

// Listen makes a named pipe that this user's processes alone can open. It fails
// where there is one of that name.
func Listen(pipe string) (net.Listener, error) {
	sid, err := ownSID()
	if err != nil {
		return nil, fmt.Errorf("make the agent's pipe: %w", err)
	}
	l, err := winio.ListenPipe(pipe, &winio.PipeConfig{
		SecurityDescriptor: "D:P(A;;GA;;;" + sid.String() + ")",
		InputBufferSize:    firstRead, OutputBufferSize: firstRead,
	})
	if err != nil {
		return nil, fmt.Errorf("make the agent's pipe: %w", err)
	}
	if isWine() {
		return holdFirst(l, pipe)
	}
	return l, nil
}

// isWine tells Wine from Windows, as its documentation says.
func isWine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}

// A heldListener keeps the first client's end.
type heldListener struct {
	net.Listener
	first io.Closer
}

// holdFirst takes the end that reserves the pipe's name, where nobody answers:
// Wine lets the first client have it, Windows doesn't.
func holdFirst(l net.Listener, pipe string) (net.Listener, error) {
	first, err := connectPipe(context.Background(), pipe)
	if err != nil {
		l.Close()
		return nil, fmt.Errorf("make the agent's pipe: %w", err)
	}
	return &heldListener{l, first}, nil
}

func (h *heldListener) Close() error {
	h.first.Close()
	return h.Listener.Close()
}

// checkPeer has nothing to do: the pipe's access list is asked before.
func checkPeer(net.Conn) error { return nil }

func ownSID() (*windows.SID, error) {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, err
	}
	return user.User.Sid, nil
}

// PageantPipe is the name of Pageant's pipe: it has a hash that only this user's
// processes can make, and until the next start of the machine, so that nobody
// else can take the name before.
func PageantPipe() (string, error) {
	user, err := userName()
	if err != nil {
		return "", fmt.Errorf("name of Pageant's pipe: %w", err)
	}
	secret, err := obfuscate("Pageant")
	if err != nil {
		return "", fmt.Errorf("name of Pageant's pipe: %w", err)
	}
	return `\\.\pipe\pageant.` + user + "." + secret, nil
}

// userName is the user without a domain.
func userName() (string, error) {
	var buf [256 + 1]uint16
	n := uint32(len(buf))
	proc := windows.NewLazySystemDLL("advapi32.dll").NewProc("GetUserNameW")
	if ok, _, err := proc.Call(uintptr(unsafe.Pointer(&buf[0])), uintptr(unsafe.Pointer(&n))); ok == 0 {
		return "", err
	}
	return windows.UTF16ToString(buf[:]), nil
}

// Of dpapi.h.
const (
	protectBlock        = 16 // CRYPTPROTECTMEMORY_BLOCK_SIZE
	protectCrossProcess = 1  // CRYPTPROTECTMEMORY_CROSS_PROCESS
)

// obfuscate is the SHA-256, in hexadecimal, of a name that the system has
// encrypted under a key that lasts until it restarts, with its length before it.
func obfuscate(name string) (string, error) {
	size := (len(name) + 1 + protectBlock - 1) / protectBlock * protectBlock
	text := make([]byte, size)
	copy(text, name)
	proc := windows.NewLazySystemDLL("crypt32.dll").NewProc("CryptProtectMemory")
	if ok, _, err := proc.Call(uintptr(unsafe.Pointer(&text[0])), uintptr(size), protectCrossProcess); ok == 0 {
		return "", err
	}
	h := sha256.Sum256(append(binary.BigEndian.AppendUint32(nil, uint32(size)), text...))
	return hex.EncodeToString(h[:]), nil
}
