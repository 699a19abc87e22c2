package putty

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/key"
)

// A HostKey is one entry of the host-key cache.
type HostKey struct {
	Type string // PuTTY's: "rsa2", "dss", "ssh-ed25519", …; "rsa" is SSH-1's
	Port int
	Host string // as the person typed it, or the logical name
	Data string // numbers, see [HostKey.Key]
}

// NewHostKey is the entry for a host's key. It gives *[key.UnsupportedError] for
// a type that PuTTY doesn't know.
func NewHostKey(host string, port int, k key.Public) (HostKey, error) {
	if port == 0 {
		port = defaultPort
	}
	t := typeOf(k.Type())
	if t == nil {
		return HostKey{}, &key.UnsupportedError{Type: k.Type()}
	}
	data, err := t.data(k)
	if err != nil {
		return HostKey{}, err
	}
	h := HostKey{Type: t.cache, Port: port, Host: host, Data: data}
	return h, h.check()
}

const defaultPort = 22

// check refuses what could not be read back.
func (h HostKey) check() error {
	if h.Host == "" || len(h.Host) > maxHost || strings.ContainsAny(h.Host, " \t\r\n\x00") {
		return fmt.Errorf("host name %q can't be stored in PuTTY's cache", h.Host)
	}
	if h.Port < 1 || h.Port > 65535 {
		return fmt.Errorf("port %d is out of range", h.Port)
	}
	if h.Type == "" || strings.ContainsAny(h.Type, "@ \t\r\n\x00") || strings.ContainsAny(h.Data, "\r\n\x00") {
		return fmt.Errorf("host key of type %q can't be stored in PuTTY's cache", h.Type)
	}
	return nil
}

// Key decodes the data. It gives *[key.UnsupportedError] for a type that we
// don't know, as SSH-1's.
func (h HostKey) Key() (key.Public, error) {
	for i := range cacheTypes {
		if t := &cacheTypes[i]; t.cache == h.Type {
			return t.parse(h.Data)
		}
	}
	return nil, &key.UnsupportedError{Type: h.Type}
}

// id is what an entry is found by.
func (h HostKey) id() string { return h.Type + "@" + strconv.Itoa(h.Port) + ":" + h.Host }

// parseID reads "type@port:host".
func parseID(id string) (h HostKey, ok bool) {
	typ, rest, ok1 := strings.Cut(id, "@")
	digits, host, ok2 := strings.Cut(rest, ":")
	port, err := strconv.ParseUint(digits, 10, 16)
	h = HostKey{Type: typ, Port: int(port), Host: host}
	return h, ok1 && ok2 && err == nil && h.check() == nil
}

// A HostState says what a cache knows of a key.
type HostState int

// What a cache may know.
const (
	HostUnknown HostState = iota
	HostKnown
	HostChanged // another key of this type is known
)

// CheckHost looks a key up in a store.
func CheckHost(s HostKeys, host string, port int, k key.Public) (HostState, error) {
	want, err := NewHostKey(host, port, k)
	if err != nil {
		return HostUnknown, err
	}
	all, err := s.HostKeys()
	if err != nil {
		return HostUnknown, err
	}
	for _, have := range all {
		switch {
		case have.id() != want.id():
		case have.Data == want.Data:
			return HostKnown, nil
		default:
			return HostChanged, nil
		}
	}
	return HostUnknown, nil
}

func notExist(op, name string) error {
	return &fs.PathError{Op: op, Path: name, Err: fs.ErrNotExist}
}
