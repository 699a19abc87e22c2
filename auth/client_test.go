package auth

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

// dial lets a client with key a (to be asked about first), a password and
// answers talk to a scripted server.
func dial(t testing.TB, cfg ClientConfig, lines ...[]byte) (*script, *Result, error) {
	t.Helper()
	cfg.User = "alice"
	if cfg.Methods == nil {
		cfg.Methods = []ClientMethod{
			PublicKeys(Keys(Identity{Signer: ed(t, "a")})),
			KeyboardInteractive(func(_ context.Context, _, _ string, p []Prompt) ([]string, error) { return make([]string, len(p)), nil }, 0),
			Password(says("sesame"), 0),
		}
	}
	s := &script{lines: lines}
	res, err := Client(t.Context(), s, cfg)
	return s, res, err
}

func infoRequest(prompts int) []byte {
	return appendChallenge(nil, &Challenge{Prompts: make([]Prompt, prompts)})
}

// TestHostileServer: what a server must not say, and what it may.
func TestHostileServer(t *testing.T) {
	a, b := ed(t, "a").Public().Blob(), ed(t, "b").Public().Blob()
	const alg = "ssh-ed25519"
	interactive := failure(false, "keyboard-interactive")
	tests := []struct {
		name  string
		lines [][]byte
		err   string // empty: success
	}{
		{"accepts", [][]byte{serviceAccept(), pkOK(alg, a), success()}, ""},
		{"accepts the service namelessly", [][]byte{{6}, pkOK(alg, a), success()}, ""},
		{"accepts another service", [][]byte{wire.AppendString([]byte{6}, serviceConnection), pkOK(alg, a), success()}, "not asked for"},
		{"accepts the service twice", [][]byte{serviceAccept(), serviceAccept(), success()}, "message 6 is not allowed"},
		{"success before the service", [][]byte{success()}, "message 52 is not allowed"},
		{"banner before the service", [][]byte{banner("x"), serviceAccept()}, "message 53 is not allowed"},
		{"success for a question", [][]byte{serviceAccept(), success()}, "only asked about"},
		{"another key", [][]byte{serviceAccept(), pkOK(alg, b)}, "not offered"},
		{"another algorithm", [][]byte{serviceAccept(), pkOK("rsa-sha2-512", a)}, "not offered"},
		{"key accepted twice", [][]byte{serviceAccept(), pkOK(alg, a), pkOK(alg, a)}, "message 60 is not allowed"},
		{"question after a signature", [][]byte{serviceAccept(), pkOK(alg, a), infoRequest(1)}, "message 60 is not allowed"},
		{"trailing bytes", [][]byte{serviceAccept(), append(success(), 0)}, "after its end"},
		{"bad method list", [][]byte{serviceAccept(), append([]byte{51, 0, 0, 0, 2, 'a', '\n'}, 0)}, "malformed"},
		{"32 prompts", [][]byte{serviceAccept(), interactive, infoRequest(32), success()}, ""},
		{"33 prompts", [][]byte{serviceAccept(), interactive, infoRequest(33), success()}, "too much"},
		{"4 billion prompts", [][]byte{serviceAccept(), interactive, append([]byte{60}, append(make([]byte, 12), 255, 255, 255, 255)...)}, "too much"},
		{"huge prompt", [][]byte{serviceAccept(), interactive, appendChallenge(nil, &Challenge{Prompts: []Prompt{{Text: strings.Repeat("x", maxPrompt+1)}}})}, "too long"},
		{"empty message", [][]byte{serviceAccept(), {}}, "empty message"},
		{"hangs up", [][]byte{serviceAccept()}, "connection lost"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, res, err := dial(t, ClientConfig{}, test.lines...)
			if test.err == "" {
				if err != nil || res == nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if res != nil || err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%+v, %v, want %q", res, err, test.err)
			}
		})
	}
	// A flood before the answer, with nothing done for it.
	_, _, err := dial(t, ClientConfig{}, slices.Repeat([][]byte{serviceAccept()}, 2)...)
	wantReason(t, err, wire.DisconnectProtocolError)
}

// TestEndlessServer: every way to keep a client busy comes to an end.
func TestEndlessServer(t *testing.T) {
	many := func(head []byte, msgs ...[]byte) [][]byte {
		return slices.Concat([][]byte{serviceAccept(), head}, slices.Repeat(msgs, 2000))
	}
	partial := failure(true, "password")
	tests := []struct {
		name  string
		lines [][]byte
		sent  int // at most
	}{
		{"failures", many(failure(false, "publickey", "password", "keyboard-interactive", "none"), failure(false, "publickey", "password", "keyboard-interactive", "none")), 10},
		{"partial successes", many(partial, partial), maxPartial + 3},
		{"rounds", many(failure(false, "keyboard-interactive"), infoRequest(0)), maxRounds + 5},
		{"rounds and failures", many(failure(false, "keyboard-interactive"), infoRequest(1), failure(false, "keyboard-interactive")), 10},
		{"rounds and partial successes", many(failure(false, "keyboard-interactive"), infoRequest(1), failure(true, "keyboard-interactive")), 2*maxPartial + 6},
		{"banners", many(banner("x"), banner(strings.Repeat("y", 1000))), 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			shown := 0
			s, res, err := dial(t, ClientConfig{Banner: func(text string) { shown += len(text) }}, test.lines...)
			if res != nil || err == nil || errors.Is(err, io.EOF) {
				t.Fatalf("%+v, %v", res, err)
			}
			if len(s.sent) > test.sent || shown > maxBanner {
				t.Errorf("sent %d messages, showed %d bytes", len(s.sent), shown)
			}
		})
	}
	// Many keys, and a server that never hangs up over them.
	ids := make([]Identity, 0, 2)
	for _, name := range []string{"a", "b"} {
		ids = append(ids, Identity{Signer: ed(t, name)})
	}
	var sources []KeySource
	for range 500 {
		sources = append(sources, Keys(ids...))
	}
	both := failure(true, "publickey")
	s, _, err := dial(t, ClientConfig{Methods: []ClientMethod{PublicKeys(sources...)}}, many(both, both)...)
	if err == nil || len(s.sent) > 10 {
		t.Errorf("sent %d messages: %v", len(s.sent), err)
	}
}

// TestEveryMessageToTheClient: in every state every number that has no place
// there ends the authentication, and none but SUCCESS completes it.
func TestEveryMessageToTheClient(t *testing.T) {
	states := []struct {
		name    string
		lines   [][]byte
		allowed []byte
		success bool
	}{
		{"start", nil, []byte{6}, false},
		{"key asked about", [][]byte{serviceAccept()}, []byte{51, 53, 60}, false},
		{"key signed", [][]byte{serviceAccept(), pkOK("ssh-ed25519", ed(t, "a").Public().Blob())}, []byte{51, 52, 53}, true},
		{"password sent", [][]byte{serviceAccept(), failure(false, "password")}, []byte{51, 52, 53, 60}, true},
		{"questions wanted", [][]byte{serviceAccept(), failure(false, "keyboard-interactive")}, []byte{51, 52, 53, 60}, true},
		{"questions answered", [][]byte{serviceAccept(), failure(false, "keyboard-interactive"), infoRequest(1)}, []byte{51, 52, 53, 60}, true},
	}
	for _, state := range states {
		for kind := range 256 {
			for _, body := range [][]byte{nil, make([]byte, 64)} {
				msg := append([]byte{byte(kind)}, body...)
				_, res, err := dial(t, ClientConfig{}, slices.Concat(state.lines, [][]byte{msg})...)
				if wins := state.success && kind == wire.MsgUserauthSuccess && body == nil; wins != (res != nil) {
					t.Fatalf("%s, message %d: %+v, %v", state.name, kind, res, err)
				}
				if !slices.Contains(state.allowed, byte(kind)) {
					wantReason(t, err, wire.DisconnectProtocolError)
				}
			}
		}
	}
}

// TestTruncatedToTheClient cuts every message of a server at every place.
func TestTruncatedToTheClient(t *testing.T) {
	interactive := failure(false, "keyboard-interactive")
	conversations := [][][]byte{
		{serviceAccept(), banner("hello"), pkOK("ssh-ed25519", ed(t, "a").Public().Blob())},
		{serviceAccept(), interactive, infoRequest(2)},
		{serviceAccept(), failure(false, "password"), wire.AppendString(wire.AppendString([]byte{60}, "change"), "")},
	}
	for _, lines := range conversations {
		for i, line := range lines {
			for n := 2; n < len(line); n++ {
				_, res, err := dial(t, ClientConfig{}, append(slices.Clone(lines[:i]), line[:n])...)
				if res != nil {
					t.Fatal("success")
				}
				wantReason(t, err, wire.DisconnectProtocolError)
			}
		}
	}
}
