package auth

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

var (
	modern = map[string]string{
		extServerSigAlgs: "ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
		extHostbound:     "0",
	}
	plain = map[string]string{extServerSigAlgs: "ssh-ed25519,rsa-sha2-256"}
)

// TestMethods logs in with every method and counts the client's round trips.
func TestMethods(t *testing.T) {
	k := ed(t, "a")
	rsa := testKey(t, key.TypeRSA, 2048, "a")
	policy := func() *rules {
		return &rules{
			methods:  [][]string{{"publickey"}, {"password"}, {"keyboard-interactive:quiz"}},
			key:      permitKeys(map[*key.Private]*Permit{k: {}, rsa: {}, testKey(t, key.TypeECDSA256, 0, "a"): {}}),
			password: permitPassword("sesame", &Permit{}),
			talk:     func() Conversation { return &quiz{permit: &Permit{}} },
		}
	}
	ecdsa := testKey(t, key.TypeECDSA256, 0, "a")
	direct := func(k key.Signer) ClientMethod { return PublicKeys(Keys(Identity{Signer: k, Direct: true})) }
	tests := []struct {
		name    string
		method  ClientMethod
		ext     map[string]string
		flights int
		wire    string // algorithm of the step
	}{
		{"key, signed at once, bound to the host key", direct(k), modern, 1, "ssh-ed25519"},
		{"key, signed at once", direct(k), plain, 1, "ssh-ed25519"},
		{"key, asked first, bound", PublicKeys(Keys(Identity{Signer: k})), modern, 2, "ssh-ed25519"},
		{"key, asked first", PublicKeys(Keys(Identity{Signer: k})), nil, 2, "ssh-ed25519"},
		{"ecdsa", direct(ecdsa), modern, 1, "ecdsa-sha2-nistp256"},
		{"rsa 512", direct(rsa), modern, 1, "rsa-sha2-512"},
		{"rsa 256", direct(rsa), plain, 1, "rsa-sha2-256"},
		{"rsa, list unknown", direct(rsa), nil, 1, "rsa-sha2-512"},
		{"a strange key first", PublicKeys(Keys(Identity{Signer: ed(t, "stranger"), Direct: true}, Identity{Signer: k, Direct: true})), modern, 2, "ssh-ed25519"},
		{"password", Password(says("sesame"), 0), modern, 2, ""},
		{"keyboard-interactive", KeyboardInteractive(answerQuiz("sesame"), 0), modern, 4, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			res := converse(t, ClientConfig{Methods: []ClientMethod{test.method}}, ServerConfig{Policy: policy(), Remote: testAddr}, test.ext)
			if res.clientErr != nil || res.serverErr != nil {
				t.Fatalf("client: %v, server: %v", res.clientErr, res.serverErr)
			}
			want := []string{test.method.Name()}
			if !slices.Equal(res.client.Methods, want) || !slices.Equal(res.server.Methods, want) || res.server.User != "alice" {
				t.Errorf("methods %v and %v of %s, want %v", res.client.Methods, res.server.Methods, res.server.User, want)
			}
			if res.flights != test.flights {
				t.Errorf("%d round trips, want %d", res.flights, test.flights)
			}
			step := res.server.Permit.Steps[0]
			if step.Algorithm != test.wire || (test.wire != "") != strings.HasPrefix(step.Fingerprint, "SHA256:") {
				t.Errorf("step %+v, want algorithm %q", step, test.wire)
			}
			if (res.client.Key != nil) != (test.wire != "") || (res.server.Key != nil) != (test.wire != "") {
				t.Errorf("keys %v, %v", res.client.Key, res.server.Key)
			}
		})
	}
}

// TestFirstFlight: the service request and the first attempt are both on their
// way before anything is waited for.
func TestFirstFlight(t *testing.T) {
	k := ed(t, "a")
	tests := []struct {
		name    string
		methods []ClientMethod
		method  string
		signed  bool
	}{
		{"cheap key", []ClientMethod{PublicKeys(Keys(Identity{Signer: k, Direct: true}))}, methodPublicKey, true},
		{"dear key", []ClientMethod{PublicKeys(Keys(Identity{Signer: k}))}, methodPublicKey, false},
		{"no key", []ClientMethod{PublicKeys(Keys()), Password(says("x"), 1)}, methodNone, false},
		{"password", []ClientMethod{Password(says("x"), 1), PublicKeys(Keys(Identity{Signer: k}))}, methodNone, false},
		{"none", []ClientMethod{None()}, methodNone, false},
		{"nothing", nil, methodNone, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := &script{lines: [][]byte{serviceAccept(), failure(false)}}
			_, err := Client(t.Context(), s, ClientConfig{User: "alice", Methods: test.methods})
			var denied *Error
			if !errors.As(err, &denied) {
				t.Fatalf("got %v, want *Error", err)
			}
			if s.before != 2 || s.sent[0][0] != wire.MsgServiceRequest || s.sent[1][0] != wire.MsgUserauthRequest {
				t.Fatalf("%d messages before the first wait: %v", s.before, s.kinds())
			}
			r := wire.NewReader(s.sent[1][1:])
			if user, service, method := r.String(), r.String(), r.String(); user != "alice" || service != serviceConnection || method != test.method {
				t.Errorf("first attempt %q %q %q", user, service, method)
			}
			if signed := test.method == methodPublicKey && r.Bool(); signed != test.signed {
				t.Errorf("signed: %v", signed)
			}
		})
	}
}

// TestSourcesAreLazy: a source is asked when those before it are used up, once.
func TestSourcesAreLazy(t *testing.T) {
	asked := [3]int{}
	source := func(i int, err error, ids ...Identity) KeySource {
		return func(context.Context) ([]Identity, error) { asked[i]++; return ids, err }
	}
	k := ed(t, "a")
	method := PublicKeys(source(0, errors.New("no agent")), source(1, nil, Identity{Signer: k, Direct: true}), source(2, nil))
	s := &script{lines: [][]byte{serviceAccept(), success()}}
	if _, err := Client(t.Context(), s, ClientConfig{User: "alice", Methods: []ClientMethod{method}}); err != nil {
		t.Fatal(err)
	}
	if asked != [3]int{1, 1, 0} {
		t.Errorf("asked %v", asked)
	}
}

// TestSteps goes through AuthenticationMethods: orders, alternatives, two keys.
func TestSteps(t *testing.T) {
	a, b := ed(t, "a"), ed(t, "b")
	keys := func(ks ...*key.Private) ClientMethod {
		var ids []Identity
		for _, k := range ks {
			ids = append(ids, Identity{Signer: k, Direct: true})
		}
		return PublicKeys(Keys(ids...))
	}
	password := Password(says("sesame"), 1)
	quizzed := KeyboardInteractive(answerQuiz("sesame"), 1)
	tests := []struct {
		name    string
		plan    [][]string
		methods []ClientMethod
		want    []string // nil: refused
	}{
		{"key then password", [][]string{{"publickey", "password"}}, []ClientMethod{keys(a), password}, []string{"publickey", "password"}},
		{"password then key", [][]string{{"password", "publickey"}}, []ClientMethod{keys(a), password}, []string{"password", "publickey"}},
		{"key then questions", [][]string{{"publickey", "keyboard-interactive:quiz"}}, []ClientMethod{quizzed, keys(a)}, []string{"publickey", "keyboard-interactive"}},
		{"either order", [][]string{{"publickey", "password"}, {"password", "publickey"}}, []ClientMethod{password, keys(b)}, []string{"password", "publickey"}},
		{"three steps", [][]string{{"publickey", "password", "keyboard-interactive"}}, []ClientMethod{keys(a), password, quizzed}, []string{"publickey", "password", "keyboard-interactive"}},
		{"two keys", [][]string{{"publickey", "publickey"}}, []ClientMethod{keys(a, b)}, []string{"publickey", "publickey"}},
		{"one key twice", [][]string{{"publickey", "publickey"}}, []ClientMethod{keys(a, a)}, nil},
		{"the second step missing", [][]string{{"publickey", "password"}}, []ClientMethod{keys(a)}, nil},
		{"the shorter alternative", [][]string{{"publickey", "password"}, {"keyboard-interactive"}}, []ClientMethod{quizzed}, []string{"keyboard-interactive"}},
		{"no alternative", nil, []ClientMethod{keys(a), password}, nil},
		{"an alternative without steps", [][]string{{}}, []ClientMethod{None(), keys(a), password}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			policy := &rules{
				methods:  test.plan,
				key:      permitKeys(map[*key.Private]*Permit{a: {}, b: {}}),
				password: permitPassword("sesame", &Permit{}),
				talk:     func() Conversation { return &quiz{permit: &Permit{}} },
			}
			res := converse(t, ClientConfig{Methods: test.methods}, ServerConfig{Policy: policy, Remote: testAddr}, modern)
			if test.want == nil {
				var denied *Error
				if !errors.As(res.clientErr, &denied) || res.server != nil {
					t.Fatalf("client %v, server %+v", res.clientErr, res.server)
				}
				return
			}
			if res.clientErr != nil || res.serverErr != nil {
				t.Fatalf("client: %v, server: %v", res.clientErr, res.serverErr)
			}
			if !slices.Equal(res.client.Methods, test.want) || !slices.Equal(res.server.Methods, test.want) {
				t.Errorf("client %v, server %v, want %v", res.client.Methods, res.server.Methods, test.want)
			}
			if len(res.server.Permit.Steps) != len(test.want) {
				t.Errorf("steps %+v", res.server.Permit.Steps)
			}
		})
	}
}

// TestOneKeyTwiceServer: a raw client signs with the same key for both steps.
func TestOneKeyTwiceServer(t *testing.T) {
	a := ed(t, "a")
	request := signedWith(t, "alice", methodPublicKey, a, "ssh-ed25519", nil)
	s := &script{lines: [][]byte{serviceRequest(), request, request}}
	policy := &rules{methods: [][]string{{"publickey", "publickey"}}, key: permitKeys(map[*key.Private]*Permit{a: {}})}
	if _, err := Server(t.Context(), s, ServerConfig{Policy: policy, Remote: testAddr}); err == nil {
		t.Fatal("one key counted twice")
	}
	if want := [][]byte{serviceAccept(), failure(true, "publickey"), failure(false, "publickey")}; !reflect.DeepEqual(s.sent, want) {
		t.Errorf("sent %q", s.sent)
	}
}

func TestDenied(t *testing.T) {
	policy := &rules{methods: [][]string{{"publickey"}, {"password"}}}
	var events []string
	client := ClientConfig{
		Methods: []ClientMethod{PublicKeys(Keys(Identity{Signer: ed(t, "a"), Source: "~/.ssh/id"})), Password(says("wrong"), 2)},
		Trace:   func(e Event) { events = append(events, e.String()) },
	}
	res := converse(t, client, ServerConfig{Policy: policy, Remote: testAddr}, modern)
	var denied *Error
	if !errors.As(res.clientErr, &denied) {
		t.Fatalf("got %v", res.clientErr)
	}
	if got, want := denied.Error(), "alice@host: Permission denied (publickey,password)."; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if !slices.Equal(denied.Tried, []string{"publickey", "password"}) {
		t.Errorf("tried %v", denied.Tried)
	}
	told := strings.Join(events, "\n")
	for _, want := range []string{"Offering public key: ~/.ssh/id ED25519 SHA256:", "Authentications that can continue: publickey,password", "Next authentication method: password"} {
		if !strings.Contains(told, want) {
			t.Errorf("the trace lacks %q:\n%s", want, told)
		}
	}
}

// TestRSAAlgorithm is the choice by server-sig-algs and policy. Each attempt is
// refused, so all choices show.
func TestRSAAlgorithm(t *testing.T) {
	k := testKey(t, key.TypeRSA, 2048, "a")
	const all = "rsa-sha2-512,rsa-sha2-256,ssh-rsa"
	tests := []struct {
		name   string
		policy string
		list   string // "-": none sent
		legacy bool
		want   string
	}{
		{"known, default", "", "ssh-ed25519,rsa-sha2-256,rsa-sha2-512", false, "rsa-sha2-512"},
		{"known, 256 only", "", "rsa-sha2-256", false, "rsa-sha2-256"},
		{"known, SHA-1 only", "", "ssh-rsa", false, "none"},
		{"known, SHA-1 only and allowed", all, "ssh-rsa", false, "ssh-rsa"},
		{"known, empty", "", "", false, "none"},
		{"known, our order", "rsa-sha2-256,rsa-sha2-512", "rsa-sha2-512,rsa-sha2-256", false, "rsa-sha2-256"},
		{"unknown", "", "-", false, "rsa-sha2-512"},
		{"unknown, SHA-1 allowed", all, "-", false, "rsa-sha2-512 ssh-rsa"},
		{"unknown, old server", all, "-", true, "ssh-rsa rsa-sha2-512"},
		{"old server, SHA-1 not allowed", "", "-", true, "rsa-sha2-512"},
		{"policy without RSA", "ssh-ed25519", "-", false, "none"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refusal := failure(false, "publickey")
			s := &script{lines: [][]byte{serviceAccept(), refusal, refusal, refusal, refusal}}
			if test.list != "-" {
				s.ext = map[string]string{extServerSigAlgs: test.list}
			}
			cfg := ClientConfig{User: "alice", LegacyRSA: test.legacy, Methods: []ClientMethod{PublicKeys(Keys(Identity{Signer: k}, Identity{Signer: k}))}}
			if test.policy != "" {
				cfg.PubkeyAcceptedAlgorithms = strings.Split(test.policy, ",")
			}
			_, err := Client(t.Context(), s, cfg)
			var denied *Error
			if !errors.As(err, &denied) {
				t.Fatal(err)
			}
			var used []string
			for _, m := range s.sent[1:] {
				r := wire.NewReader(m[1:])
				_, _, method := r.Bytes(), r.Bytes(), r.String()
				if method == methodNone {
					used = append(used, method)
					continue
				}
				r.Bool()
				used = append(used, r.String())
			}
			if got := strings.Join(used, " "); got != test.want {
				t.Errorf("tried %q, want %q", got, test.want)
			}
		})
	}
}

// late is a connection on which EXT_INFO arrives behind the first answer.
type late struct {
	script
	list string
}

func (l *late) PeerExt(name string) ([]byte, bool) {
	if name == extServerSigAlgs && l.read >= 2 {
		return []byte(l.list), true
	}
	return nil, false
}

func TestLateServerSigAlgs(t *testing.T) {
	k := testKey(t, key.TypeRSA, 2048, "a")
	for _, test := range []struct {
		list string
		want int // requests
	}{{"rsa-sha2-512", 1}, {"rsa-sha2-256", 2}} {
		l := &late{list: test.list}
		l.lines = [][]byte{serviceAccept(), failure(false, "publickey"), failure(false, "publickey")}
		_, err := Client(t.Context(), l, ClientConfig{User: "alice", Methods: []ClientMethod{PublicKeys(Keys(Identity{Signer: k, Direct: true}))}})
		var denied *Error
		if !errors.As(err, &denied) || len(l.sent) != 1+test.want {
			t.Errorf("%s: %v, sent %d", test.list, err, len(l.sent))
		}
	}
}

func TestSmallRSA(t *testing.T) {
	k := testKey(t, key.TypeRSA, 2048, "a")
	policy := func() *rules {
		return &rules{methods: [][]string{{"publickey"}}, key: permitKeys(map[*key.Private]*Permit{k: {}})}
	}
	method := []ClientMethod{PublicKeys(Keys(Identity{Signer: k, Direct: true}))}
	for _, test := range []struct {
		client, server int
		ok             bool
	}{{0, 0, true}, {2048, 2048, true}, {2049, 0, false}, {0, 2049, false}} {
		res := converse(t, ClientConfig{Methods: method, RequiredRSASize: test.client}, ServerConfig{Policy: policy(), Remote: testAddr, RequiredRSASize: test.server}, modern)
		if (res.clientErr == nil) != test.ok || (res.server != nil) != test.ok {
			t.Errorf("%+v: client %v, server %v", test, res.clientErr, res.serverErr)
		}
	}
}

func TestSignerFails(t *testing.T) {
	a := ed(t, "a")
	policy := &rules{methods: [][]string{{"publickey"}}, key: permitKeys(map[*key.Private]*Permit{a: {}})}
	method := PublicKeys(Keys(
		Identity{Signer: lame{a.Public()}, Direct: true}, // nothing is sent for it
		Identity{Signer: lame{a.Public()}},               // accepted, and then no signature
		Identity{Signer: a, Direct: true},
	))
	res := converse(t, ClientConfig{Methods: []ClientMethod{method}}, ServerConfig{Policy: policy, Remote: testAddr}, modern)
	if res.clientErr != nil || res.serverErr != nil {
		t.Fatalf("client %v, server %v", res.clientErr, res.serverErr)
	}
}

// lame is a signer that can't sign, like an agent that was told no.
type lame struct{ public key.Public }

func (l lame) Public() key.Public { return l.public }
func (lame) Sign(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("agent refused operation")
}

func TestSkipAndPromptErrors(t *testing.T) {
	refusal := failure(false, "keyboard-interactive", "password")
	lines := [][]byte{serviceAccept(), refusal, success()}
	skip := Password(func(context.Context) (string, error) { return "", ErrSkip }, 0)
	quizzed := KeyboardInteractive(answerQuiz("x"), 0)
	s := &script{lines: lines}
	if res, err := Client(t.Context(), s, ClientConfig{User: "alice", Methods: []ClientMethod{skip, quizzed}}); err != nil || res.Methods[0] != methodInteractive {
		t.Errorf("%+v, %v", res, err)
	}
	broken := errors.New("terminal is gone")
	fail := Password(func(context.Context) (string, error) { return "", broken }, 0)
	if _, err := Client(t.Context(), &script{lines: lines}, ClientConfig{User: "alice", Methods: []ClientMethod{fail, quizzed}}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestPasswordChange(t *testing.T) {
	wanted := wire.AppendString(wire.AppendString([]byte{wire.MsgUserauthPasswdChange}, "choose\x1b[2J"), "")
	refusal := failure(false, "password")
	method := []ClientMethod{Password(says("old"), 1)}
	change := func(_ context.Context, prompt string) (string, string, error) {
		if prompt != "choose\x1b[2J" {
			t.Errorf("prompt %q", prompt)
		}
		return "old", "new", nil
	}
	s := &script{lines: [][]byte{serviceAccept(), refusal, wanted, wanted, success()}}
	if _, err := Client(t.Context(), s, ClientConfig{User: "alice", Methods: method, ChangePassword: change}); err != nil {
		t.Fatal(err)
	}
	want := wire.AppendBool(appendRequest(nil, "alice", methodPassword), true)
	want = wire.AppendString(wire.AppendString(want, "old"), "new")
	if !bytes.Equal(s.sent[4], want) {
		t.Errorf("sent %q", s.sent[4])
	}
	s = &script{lines: [][]byte{serviceAccept(), refusal, wanted}}
	if _, err := Client(t.Context(), s, ClientConfig{User: "alice", Methods: method}); err == nil || !strings.Contains(err.Error(), "new password") {
		t.Errorf("without a way to change: %v", err)
	}
	s = &script{lines: [][]byte{serviceAccept(), refusal, wanted, wanted, wanted, wanted, wanted, wanted}}
	if _, err := Client(t.Context(), s, ClientConfig{User: "alice", Methods: method, ChangePassword: change}); err == nil || !strings.Contains(err.Error(), "refuses each new password") {
		t.Errorf("endless changes: %v", err)
	}
}

func TestBanner(t *testing.T) {
	k := ed(t, "a")
	policy := &rules{methods: [][]string{{"publickey"}}, key: permitKeys(map[*key.Private]*Permit{k: {}})}
	var shown []string
	client := ClientConfig{
		Methods: []ClientMethod{PublicKeys(Keys(Identity{Signer: k}))},
		Banner:  func(text string) { shown = append(shown, text) },
	}
	server := ServerConfig{Policy: policy, Remote: testAddr, Banner: func(user string) string { return "hello " + user }}
	res := converse(t, client, server, modern)
	if res.clientErr != nil || !slices.Equal(shown, []string{"hello alice"}) {
		t.Errorf("%v, shown %q", res.clientErr, shown)
	}
}

func TestNone(t *testing.T) {
	for _, permitted := range []bool{true, false} {
		policy := &rules{methods: [][]string{{"none"}, {"password"}}, password: permitPassword("", &Permit{})}
		res := converse(t, ClientConfig{}, ServerConfig{Policy: policy, Remote: testAddr, PermitEmptyPasswords: permitted}, modern)
		if (res.clientErr == nil) != permitted || (res.server != nil) != permitted {
			t.Errorf("empty passwords %v: client %v, server %v", permitted, res.clientErr, res.serverErr)
		}
		var denied *Error
		if !permitted && (!errors.As(res.clientErr, &denied) || !slices.Equal(denied.Remaining, []string{"password"})) {
			t.Errorf("got %v", res.clientErr)
		}
	}
}

// TestCancel: each side's wait ends when the caller closes the connection, and
// names the context's cause.
func TestCancel(t *testing.T) {
	cause := errors.New("grace time is over")
	sides := map[string]func(ctx context.Context, conn Conn) error{
		"client": func(ctx context.Context, conn Conn) error {
			_, err := Client(ctx, conn, ClientConfig{User: "alice"})
			return err
		},
		"server": func(ctx context.Context, conn Conn) error {
			_, err := Server(ctx, conn, ServerConfig{Policy: &rules{}})
			return err
		},
	}
	for name, run := range sides {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			near, _ := newPair()
			context.AfterFunc(ctx, near.close)
			errs := make(chan error)
			go func() { errs <- run(ctx, near) }()
			cancel(cause)
			if err := <-errs; !errors.Is(err, cause) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// posting is a connection that gathers what is posted into one write.
type posting struct {
	script
	posted int
}

func (p *posting) Post(payload []byte) error {
	p.posted++
	return p.Send(payload)
}

// TestOneWrite: what belongs together is posted, so that it shares a write.
func TestOneWrite(t *testing.T) {
	client := &posting{script: script{lines: [][]byte{serviceAccept(), success()}}}
	if _, err := Client(t.Context(), client, ClientConfig{User: "alice"}); err != nil || client.posted != 1 {
		t.Errorf("client: %v, %d posted", err, client.posted)
	}
	server := &posting{script: script{lines: [][]byte{serviceRequest(), passwordRequest("alice", "x")}}}
	cfg := ServerConfig{Policy: anybody{}, Banner: func(string) string { return "hello" }}
	if _, err := Server(t.Context(), server, cfg); err != nil || server.posted != 2 || len(server.sent) != 3 {
		t.Errorf("server: %v, %d posted", err, server.posted)
	}
}
