package server

import (
	"log/slog"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/mux"
)

// FuzzRequests gives a session whatever a client may send on it before
// something is started.
func FuzzRequests(f *testing.F) {
	pty := ssh.Marshal(struct {
		Term       string
		C, R, W, H uint32
		Modes      string
	}{"xterm-256color", 80, 24, 640, 480, "\x81\x00\x00\x96\x00\x35\x00\x00\x00\x00\x00"})
	word := func(s string) []byte { return ssh.Marshal(struct{ S string }{s}) }
	f.Add("pty-req", pty)
	f.Add("env", append(word("LANG"), word("C.UTF-8")...))
	f.Add("shell", []byte{})
	f.Add("exec", word("ls -l"))
	f.Add("subsystem", word("sftp"))
	f.Add("window-change", make([]byte, 16))
	f.Add("signal", word("INT"))
	f.Add("break", []byte{0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		c := &conn{
			set:   settingsOf(Config{AcceptEnv: func(string) bool { return true }, Subsystems: map[string]string{"sftp": "x"}}),
			login: &Login{User: "alice", Permit: &auth.Permit{}}, log: slog.New(slog.DiscardHandler),
		}
		s := &session{c: c, started: make(chan Process, 1)}
		s.Login, s.Log = c.login, c.log
		for range 3 {
			s.request(&mux.Request{Name: name, Payload: payload})
		}
		if s.process != nil || len(s.Env) > maxVariables || s.size > maxEnvironment+len(payload) {
			t.Errorf("%q %q made %+v", name, payload, s)
		}
	})
}

// FuzzProofs asks for proofs of host keys that are nobody's.
func FuzzProofs(f *testing.F) {
	f.Add(ssh.Marshal(struct{ B []byte }{[]byte("blob")}))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, payload []byte) {
		c := &conn{log: slog.New(slog.DiscardHandler)}
		ok, reply := c.proveHostKeys(&mux.GlobalRequest{Name: hostKeysProve, Payload: payload})
		if len(payload) > 0 && (ok || reply != nil) {
			t.Errorf("%q was proved: %q", payload, reply)
		}
	})
}
