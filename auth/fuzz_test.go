package auth

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// pack writes messages for a fuzz target as strings, one after the other.
func pack(lines ...[]byte) []byte {
	var b []byte
	for _, line := range lines {
		b = wire.AppendString(b, line)
	}
	return b
}

func unpack(b []byte) [][]byte {
	var lines [][]byte
	for r := wire.NewReader(b); r.Len() > 0 && len(lines) < 200; {
		lines = append(lines, r.Bytes())
	}
	return lines
}

// FuzzServer: whatever a client says that holds no key and no password, it
// doesn't get in, and the server comes to an end.
func FuzzServer(f *testing.F) {
	a := ed(f, "a").Public()
	f.Add(pack(serviceRequest(), noneRequest("alice"), passwordRequest("alice", "wrong")))
	f.Add(pack(serviceRequest(), queryRequest("alice", a, "ssh-ed25519")))
	f.Add(pack(serviceRequest(), signedWith(f, "alice", methodPublicKey, ed(f, "stranger"), "ssh-ed25519", nil)))
	f.Add(pack(serviceRequest(), signedWith(f, "alice", methodHostbound, ed(f, "stranger"), "ssh-ed25519", nil)))
	f.Add(pack(serviceRequest(), interactiveRequest("alice"), infoResponse("x", "blue"), infoResponse()))
	f.Add(pack(serviceRequest(), interactiveRequest("alice"), serviceRequest(), interactiveRequest("alice")))
	f.Fuzz(func(t *testing.T, data []byte) {
		synctest.Test(t, func(t *testing.T) { fuzzServer(t, data) }) // refusals wait
	})
}

func fuzzServer(t *testing.T, data []byte) {
	policy := &rules{
		methods: [][]string{{"publickey"}, {"password"}, {"keyboard-interactive"}, {"none"}},
		key:     permitKeys(map[*key.Private]*Permit{ed(t, "a"): {}}),
		talk:    func() Conversation { return &quiz{} },
	}
	s := &script{lines: unpack(data)}
	res, err := Server(t.Context(), s, ServerConfig{Policy: policy, Remote: testAddr, MaxTries: 1, PermitEmptyPasswords: true})
	if res != nil || err == nil || slices.Contains(s.kinds(), wire.MsgUserauthSuccess) {
		t.Fatal("got in")
	}
}

// FuzzClient: whatever a server says, the client comes to an end, sends nothing
// but its own messages, and believes in success only when told so.
func FuzzClient(f *testing.F) {
	blob := ed(f, "a").Public().Blob()
	interactive := failure(false, "keyboard-interactive", "password")
	f.Add(pack(serviceAccept(), banner("hello"), pkOK("ssh-ed25519", blob), success()))
	f.Add(pack(serviceAccept(), interactive, infoRequest(2), infoRequest(0), failure(true, "password"), success()))
	f.Add(pack(serviceAccept(), failure(false, "password"), wire.AppendString(wire.AppendString([]byte{60}, "change"), ""), success()))
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg := ClientConfig{ChangePassword: func(context.Context, string) (string, string, error) { return "old", "new", nil }}
		lines := unpack(data)
		s, res, err := dial(t, cfg, lines...)
		if (res == nil) == (err == nil) {
			t.Fatalf("%+v, %v", res, err)
		}
		if res != nil && len(lines[s.read-1]) != 1 {
			t.Fatalf("success on %q", lines[s.read-1])
		}
		for _, kind := range s.kinds() {
			if kind != wire.MsgServiceRequest && kind != wire.MsgUserauthRequest && kind != wire.MsgUserauthInfoResponse {
				t.Fatalf("sent message %d", kind)
			}
		}
	})
}
