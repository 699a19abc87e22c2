package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/transport"
)

const (
	// maxMemory caps a file of remembered lists in bytes; what is longer is
	// neither read nor written.
	maxMemory = 8 << 10
	// maxRemembered caps the names of one list.
	maxRemembered = 128
)

// A memory is the file of one host's lists. It decides nothing but whether a
// first key-exchange packet is guessed, and a wrong guess costs nothing but that
// packet: so it is best effort, and trusts the file no more than the network.
type memory struct{ path string }

func memoryOf(dir, host string, port int) memory {
	if dir == "" {
		return memory{}
	}
	sum := sha256.Sum256([]byte(net.JoinHostPort(strings.ToLower(host), strconv.Itoa(port))))
	return memory{filepath.Join(dir, hex.EncodeToString(sum[:16]))}
}

// load returns what was remembered, nil for nothing.
func (m memory) load() *transport.PeerLists {
	if m.path == "" {
		return nil
	}
	info, err := os.Stat(m.path)
	if err != nil || !info.Mode().IsRegular() || info.Size() > maxMemory {
		return nil
	}
	text, err := os.ReadFile(m.path)
	if err != nil {
		return nil
	}
	return parseLists(text)
}

// parseLists reads two lines, "kex" and "hostkey" with their names.
func parseLists(text []byte) *transport.PeerLists {
	if len(text) > maxMemory {
		return nil
	}
	var lists transport.PeerLists
	for line := range bytes.Lines(text) {
		word, names, ok := strings.Cut(strings.TrimSuffix(string(line), "\n"), " ")
		if !ok || names == "" {
			return nil
		}
		list := strings.Split(names, ",")
		if len(list) > maxRemembered || slices.Contains(list, "") {
			return nil
		}
		switch word {
		case "kex":
			lists.Kex = list
		case "hostkey":
			lists.HostKeys = list
		default:
			return nil
		}
	}
	if len(lists.Kex) == 0 || len(lists.HostKeys) == 0 {
		return nil
	}
	return &lists
}

func appendLists(b []byte, lists transport.PeerLists) []byte {
	b = append(b, "kex "+strings.Join(lists.Kex, ",")+"\n"...)
	return append(b, "hostkey "+strings.Join(lists.HostKeys, ",")+"\n"...)
}

// save writes the lists if they are others than was.
func (m memory) save(was *transport.PeerLists, lists transport.PeerLists) {
	if m.path == "" || was != nil && slices.Equal(was.Kex, lists.Kex) && slices.Equal(was.HostKeys, lists.HostKeys) {
		return
	}
	text := appendLists(nil, lists)
	if parseLists(text) == nil {
		return
	}
	dir := filepath.Dir(m.path)
	if os.MkdirAll(dir, 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(dir, "new") // mode 0600
	if err != nil {
		return
	}
	_, err = f.Write(text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil || os.Rename(f.Name(), m.path) != nil {
		_ = os.Remove(f.Name()) // nothing is remembered, then
	}
}
