package server

import (
	"log/slog"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/mux"
)

// FuzzForwards reads what clients say about forwards; nothing is permitted, and
// so nothing must come of it.
func FuzzForwards(f *testing.F) {
	f.Add("direct-tcpip", ssh.Marshal(struct {
		Host     string
		Port     uint32
		From     string
		FromPort uint32
	}{"localhost", 80, "127.0.0.1", 40000}))
	f.Add("direct-streamlocal@openssh.com", ssh.Marshal(struct {
		Path, Reserved string
		Zero           uint32
	}{"/run/x", "", 0}))
	listen := ssh.Marshal(struct {
		Host string
		Port uint32
	}{"", 0})
	for _, name := range []string{"tcpip-forward", "cancel-tcpip-forward"} {
		f.Add(name, listen)
	}
	for _, name := range []string{"streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com"} {
		f.Add(name, ssh.Marshal(struct{ Path string }{"/run/x"}))
	}
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		c := &conn{set: settingsOf(Config{}), login: &Login{Permit: &auth.Permit{}}, log: slog.New(slog.DiscardHandler)}
		to, from, ok := parseDirect(name, payload)
		if ok && (to.Port < 0 || to.Port > 65535 || from.Port < 0 || from.Port > 65535 || (to.Path == "") != (name == "direct-tcpip")) {
			t.Errorf("%q %q is %+v from %+v", name, payload, to, from)
		}
		for _, row := range globals {
			if row.name != name || name == noMoreSessions || name == hostKeysProve {
				continue
			}
			if ok, _ := row.serve(c, &mux.GlobalRequest{Name: name, Payload: payload, WantReply: true}); ok || c.listening.all != nil {
				t.Errorf("%q %q was granted", name, payload)
			}
		}
	})
}
