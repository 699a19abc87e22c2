package forward

import (
	"testing"

	"golang.org/x/crypto/ssh"
)

// FuzzForwarded reads which forward a server says that a channel is for.
func FuzzForwarded(f *testing.F) {
	f.Add(true, ssh.Marshal(struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}{"localhost", 8080, "::1", 40000}))
	f.Add(false, ssh.Marshal(struct{ Path, Reserved string }{"/run/x", ""}))
	f.Fuzz(func(t *testing.T, tcp bool, extra []byte) {
		typ := IncomingTypes()[1]
		if tcp {
			typ = IncomingTypes()[0]
		}
		listen, from, err := parseForwarded(typ, extra)
		if err == nil && (listen.check() != nil || from.check() != nil || tcp != (listen.Path == "")) {
			t.Errorf("%q is %+v from %+v", extra, listen, from)
		}
	})
}
