package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// serve lets a scripted client talk to a server whose user alice has key a and
// password sesame.
func serve(t testing.TB, cfg ServerConfig, lines ...[]byte) (*script, *Result, error) {
	t.Helper()
	if cfg.Policy == nil {
		cfg.Policy = aliceRules(t, [][]string{{"publickey"}, {"password"}, {"keyboard-interactive"}})
	}
	if !cfg.Remote.IsValid() {
		cfg.Remote = testAddr
	}
	s := &script{lines: lines}
	res, err := Server(t.Context(), s, cfg)
	return s, res, err
}

func aliceRules(t testing.TB, methods [][]string) *rules {
	return &rules{
		methods:  methods,
		key:      permitKeys(map[*key.Private]*Permit{ed(t, "a"): {}}),
		password: permitPassword("sesame", &Permit{}),
		talk:     func() Conversation { return &quiz{permit: &Permit{}} },
	}
}

// allMethods is the FAILURE of serve's server.
func allMethods() []byte {
	return failure(false, "publickey", "password", "keyboard-interactive")
}

// TestOfferIsNoProof (F4): what a client can send about a key without holding
// it, and signatures over anything but the truth.
func TestOfferIsNoProof(t *testing.T) {
	a, thief := ed(t, "a"), ed(t, "thief")
	const alg = "ssh-ed25519"
	swap := func(old, with string) func([]byte) []byte {
		return func(data []byte) []byte {
			out := bytes.Replace(data, wire.AppendString(nil, old), wire.AppendString(nil, with), 1)
			if bytes.Equal(out, data) {
				t.Errorf("no %q to lie about", old)
			}
			return out
		}
	}
	// The thief's signature under the key of a.
	forged := appendPublicKeyRequest(nil, "alice", methodPublicKey, true, alg, a.Public().Blob(), nil)
	theirs, err := thief.Sign(t.Context(), alg, append(wire.AppendString(nil, testSession), forged...))
	if err != nil {
		t.Fatal(err)
	}
	forged = wire.AppendString(forged, theirs)
	unsigned := appendPublicKeyRequest(nil, "alice", methodPublicKey, true, alg, a.Public().Blob(), nil)
	unsigned = wire.AppendString(unsigned, "")
	query := queryRequest("alice", a.Public(), alg)
	otherHost := signedWith(t, "alice", methodHostbound, a, alg, nil)
	otherHost = bytes.Replace(otherHost, testHostKey, []byte("the blob of a thieving host's key"), 1)

	tests := map[string][]byte{
		"query":              query,
		"empty signature":    unsigned,
		"another's":          forged,
		"other session":      signedWith(t, "alice", methodPublicKey, a, alg, swap(string(testSession), "another session")),
		"other user":         signedWith(t, "alice", methodPublicKey, a, alg, swap("alice", "mallory")),
		"other service":      signedWith(t, "alice", methodPublicKey, a, alg, swap(serviceConnection, "ssh-userauth")),
		"other form":         signedWith(t, "alice", methodHostbound, a, alg, swap(methodHostbound, methodPublicKey)),
		"other signed host":  signedWith(t, "alice", methodHostbound, a, alg, swap(string(testHostKey), "other")),
		"other named host":   otherHost,
		"unauthorized key":   signedWith(t, "alice", methodPublicKey, thief, alg, nil),
		"signature of a bit": signedWith(t, "alice", methodPublicKey, a, alg, func(b []byte) []byte { return b[:len(b)-1] }),
	}
	for name, request := range tests {
		t.Run(name, func(t *testing.T) {
			s, res, err := serve(t, ServerConfig{}, serviceRequest(), query, request)
			if res != nil || !errors.Is(err, io.EOF) {
				t.Fatalf("%+v, %v", res, err)
			}
			if slices.Contains(s.kinds(), wire.MsgUserauthSuccess) {
				t.Fatal("success")
			}
			if !bytes.Equal(s.sent[1], pkOK(alg, a.Public().Blob())) {
				t.Errorf("the query got %q", s.sent[1])
			}
		})
	}
	for _, form := range []string{methodPublicKey, methodHostbound} {
		_, res, err := serve(t, ServerConfig{}, serviceRequest(), query, signedWith(t, "alice", form, a, alg, nil))
		if err != nil || res.Permit == nil {
			t.Errorf("the truth with %s: %v", form, err)
		}
	}
}

// TestPermitOfTheProvedKey (F3): asking about a strong key and then proving a
// weak one gives the weak one's permit.
func TestPermitOfTheProvedKey(t *testing.T) {
	strong, weak, none := ed(t, "strong"), ed(t, "weak"), ed(t, "none")
	policy := func() *rules {
		return &rules{methods: [][]string{{"publickey"}}, key: permitKeys(map[*key.Private]*Permit{
			strong: {}, weak: {ForceCommand: "date", NoPTY: true},
		})}
	}
	const alg = "ssh-ed25519"
	ask := func(k *key.Private) []byte { return queryRequest("alice", k.Public(), alg) }
	prove := func(k *key.Private) []byte { return signedWith(t, "alice", methodPublicKey, k, alg, nil) }

	_, res, err := serve(t, ServerConfig{Policy: policy()}, serviceRequest(), ask(weak), ask(strong), prove(weak))
	if err != nil {
		t.Fatal(err)
	}
	if res.Permit.ForceCommand != "date" || !res.Permit.NoPTY || !key.Equal(res.Key, weak.Public()) || res.Permit.Steps[0].Fingerprint != fingerprint(weak.Public()) {
		t.Errorf("permit %+v", res.Permit)
	}
	_, res, err = serve(t, ServerConfig{Policy: policy()}, serviceRequest(), ask(strong), prove(none))
	if res != nil || err == nil {
		t.Error("a key without permit got in behind another's query")
	}
	// A wrong password after an accepted query.
	both := &rules{methods: [][]string{{"publickey"}, {"password"}}, key: policy().key, password: permitPassword("sesame", &Permit{})}
	_, res, err = serve(t, ServerConfig{Policy: both}, serviceRequest(), ask(strong), passwordRequest("alice", "wrong"))
	if res != nil || err == nil {
		t.Error("a wrong password got in behind a query")
	}
}

// TestStepsKeepRestrictions (F5): the permit of a login in steps has what every
// step restricts; steps that contradict each other don't add up.
func TestStepsKeepRestrictions(t *testing.T) {
	a := ed(t, "a")
	prove := signedWith(t, "alice", methodPublicKey, a, "ssh-ed25519", nil)
	run := func(keyPermit, passwordPermit *Permit) (*script, *Result, error) {
		policy := &rules{
			methods:  [][]string{{"publickey", "password"}},
			key:      permitKeys(map[*key.Private]*Permit{a: keyPermit}),
			password: permitPassword("sesame", passwordPermit),
		}
		return serve(t, ServerConfig{Policy: policy}, serviceRequest(), prove, passwordRequest("alice", "sesame"))
	}
	expires := time.Now().Add(time.Hour)
	_, res, err := run(
		&Permit{Sources: [][]string{{"192.0.2.0/24"}}, ForceCommand: "date", NoAgent: true, PermitOpen: [][]string{{"db:5432"}}},
		&Permit{Expires: expires, NoX11: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	want := &Permit{
		Sources: [][]string{{"192.0.2.0/24"}}, Expires: expires, ForceCommand: "date", NoAgent: true, NoX11: true,
		PermitOpen: [][]string{{"db:5432"}},
		Steps: []Step{
			{Method: "publickey", KeyType: "ssh-ed25519", Algorithm: "ssh-ed25519", Fingerprint: fingerprint(a.Public())},
			{Method: "password"},
		},
	}
	if !reflect.DeepEqual(res.Permit, want) {
		t.Errorf("permit %+v, want %+v", res.Permit, want)
	}

	elsewhere := &Permit{Sources: [][]string{{"203.0.113.0/24"}}}
	for name, permits := range map[string][2]*Permit{
		"source of the first step":  {elsewhere, {}},
		"source of the second step": {{}, elsewhere},
		"different commands":        {{ForceCommand: "date"}, {ForceCommand: "sh"}},
		"expired first step":        {{Expires: time.Now().Add(-time.Second)}, {}},
		"expired second step":       {{}, {Expires: time.Now().Add(-time.Second)}},
	} {
		s, res, err := run(permits[0], permits[1])
		if res != nil || err == nil || slices.Contains(s.kinds(), wire.MsgUserauthSuccess) {
			t.Errorf("%s: got in", name)
		}
	}
}

// TestSourceForEveryMethod (F6): each method, alone and as the last of two, from
// a permitted and from another address, and from none.
func TestSourceForEveryMethod(t *testing.T) {
	a := ed(t, "a")
	permit := &Permit{Sources: [][]string{{"192.0.2.0/24"}}}
	requests := map[string][][]byte{
		methodPublicKey:   {signedWith(t, "alice", methodPublicKey, a, "ssh-ed25519", nil)},
		methodHostbound:   {signedWith(t, "alice", methodHostbound, a, "ssh-ed25519", nil)},
		methodPassword:    {passwordRequest("alice", "sesame")},
		methodInteractive: {interactiveRequest("alice"), infoResponse("sesame", "blue"), infoResponse()},
		methodNone:        {noneRequest("alice")},
	}
	for method, lines := range requests {
		for _, from := range []string{"192.0.2.7", "::ffff:192.0.2.7", "198.51.100.1", "2001:db8::1", ""} {
			t.Run(method+" from "+from, func(t *testing.T) {
				var addr netip.Addr
				if from != "" {
					addr = netip.MustParseAddr(from)
				}
				policy := &rules{
					methods: [][]string{{strings.TrimSuffix(method, "-hostbound-v00@openssh.com")}},
					key:     permitKeys(map[*key.Private]*Permit{a: permit}),
					password: func(p string) (*Permit, error) {
						return permit, nil
					},
					talk: func() Conversation { return &quiz{permit: permit} },
				}
				s := &script{lines: append([][]byte{serviceRequest()}, lines...)}
				res, err := Server(t.Context(), s, ServerConfig{Policy: policy, Remote: addr, PermitEmptyPasswords: true})
				want := strings.Contains(from, "192.0.2.7")
				if (err == nil) != want || (res != nil) != want || slices.Contains(s.kinds(), wire.MsgUserauthSuccess) != want {
					t.Errorf("got %+v, %v", res, err)
				}
			})
		}
	}
	// Nobody touches a security key for an address that is refused.
	policy := &rules{methods: [][]string{{"publickey"}}, key: permitKeys(map[*key.Private]*Permit{a: permit})}
	s, _, _ := serve(t, ServerConfig{Policy: policy, Remote: netip.MustParseAddr("198.51.100.1")}, serviceRequest(), queryRequest("alice", a.Public(), "ssh-ed25519"))
	if slices.Contains(s.kinds(), wire.MsgUserauthPKOK) {
		t.Error("a query from a refused address was accepted")
	}
}

// TestAlgorithms (F12): names match exactly, and fit the key.
func TestAlgorithms(t *testing.T) {
	rsa, p256, p384, e := testKey(t, key.TypeRSA, 2048, "a"), testKey(t, key.TypeECDSA256, 0, "a"), testKey(t, key.TypeECDSA384, 0, "a"), ed(t, "a")
	tests := []struct {
		k         *key.Private
		algorithm string
		accepted  string
		ok        bool
	}{
		{e, "ssh-ed25519", "", true},
		{rsa, "rsa-sha2-512", "", true},
		{rsa, "rsa-sha2-256", "", true},
		{rsa, "ssh-rsa", "", false},
		{rsa, "ssh-rsa", "ssh-rsa", true},
		{rsa, "rsa-sha2-512", "ssh-rsa", false},
		{rsa, "ssh-ed25519", "", false},
		{e, "rsa-sha2-512", "", false},
		{e, "ssh-ed25519", "ecdsa-sha2-nistp256", false},
		{e, "SSH-ED25519", "", false},
		{e, "ssh-ed25519\x00", "", false},
		{e, "", "", false},
		{p256, "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", true},
		{p384, "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp256", false},
		{p384, "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", false},
	}
	for _, test := range tests {
		policy := &rules{methods: [][]string{{"publickey"}}, key: func(key.Public, string) (*Permit, error) { return &Permit{}, nil }}
		cfg := ServerConfig{Policy: policy}
		if test.accepted != "" {
			cfg.PubkeyAcceptedAlgorithms = []string{test.accepted}
		}
		s, _, _ := serve(t, cfg, serviceRequest(), queryRequest("alice", test.k.Public(), test.algorithm))
		if ok := s.kinds()[1] == wire.MsgUserauthPKOK; ok != test.ok {
			t.Errorf("%s with %q (accepted %q): %v", test.k.Public().Type(), test.algorithm, test.accepted, ok)
		}
	}
}

// TestUnknownUserLooksTheSame (F33): the same replies after the same time,
// whether there is such a user or not, and for each user always the same time.
func TestUnknownUserLooksTheSame(t *testing.T) {
	lines := func(user string) [][]byte {
		return [][]byte{
			serviceRequest(),
			noneRequest(user),
			queryRequest(user, ed(t, "stranger").Public(), "ssh-ed25519"),
			signedWith(t, user, methodPublicKey, ed(t, "stranger"), "ssh-ed25519", nil),
			passwordRequest(user, "wrong"),
			passwordRequest(user, strings.Repeat("x", maxPassword+1)),
			interactiveRequest(user), infoResponse("wrong"),
			appendRequest(nil, user, "hostbased"),
		}
	}
	policy := &rules{
		methods: [][]string{{"publickey"}, {"password"}, {"keyboard-interactive"}},
		talk: func() Conversation {
			return OneQuestion("Password:", func(context.Context, string) (*Permit, error) { return nil, nil })
		},
	}
	run := func(user string) (sent [][]byte, took time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			s, began := &script{lines: lines(user)}, time.Now()
			if _, err := Server(t.Context(), s, ServerConfig{Policy: policy, MaxTries: 100}); !errors.Is(err, io.EOF) {
				t.Error(err)
			}
			sent, took = s.sent, time.Since(began)
		})
		return sent, took
	}
	const delayed = 6 // all but the first none, and the question
	known, knownTime := run("alice")
	if want := delayed * failDelay("alice"); knownTime != want {
		t.Errorf("alice's failures took %v, want %v", knownTime, want)
	}
	for _, user := range []string{"bob", "", "root"} {
		unknown, took := run(user)
		if !reflect.DeepEqual(known, unknown) {
			t.Errorf("%q is answered\n%q, alice\n%q", user, unknown, known)
		}
		if took != delayed*failDelay(user) || took < delayed*minFailDelay || took > 2*delayed*minFailDelay {
			t.Errorf("%q's failures took %v", user, took)
		}
	}
}

// TestDelayHidesWork: a refusal ends on a step of the user's delay, however long
// the work took; a success doesn't wait.
func TestDelayHidesWork(t *testing.T) {
	for _, work := range []time.Duration{0, time.Millisecond, 4 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			policy := &rules{methods: [][]string{{"password"}}, password: func(p string) (*Permit, error) {
				time.Sleep(work)
				return permitPassword("sesame", &Permit{})(p)
			}}
			began := time.Now()
			serve(t, ServerConfig{Policy: policy}, serviceRequest(), passwordRequest("alice", "wrong"))
			if took := time.Since(began); took != failDelay("alice") {
				t.Errorf("work of %v: refused after %v, want %v", work, took, failDelay("alice"))
			}
			began = time.Now()
			if _, _, err := serve(t, ServerConfig{Policy: policy}, serviceRequest(), passwordRequest("alice", "sesame")); err != nil || time.Since(began) != work {
				t.Errorf("work of %v: success after %v: %v", work, time.Since(began), err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		time.Sleep(20 * time.Millisecond)
		if err := pause(t.Context(), began, "alice"); err != nil {
			t.Fatal(err)
		}
		steps := time.Since(began) / failDelay("alice")
		if time.Since(began)%failDelay("alice") != 0 || steps&(steps-1) != 0 {
			t.Errorf("long work ended after %v", time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Microsecond)
		defer cancel()
		if err := pause(ctx, time.Now(), "alice"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("grace time over: %v", err)
		}
	})
}

// TestTries counts as OpenSSH does.
func TestTries(t *testing.T) {
	stranger, a := ed(t, "stranger"), ed(t, "a")
	none, wrong := noneRequest("alice"), passwordRequest("alice", "wrong")
	refused := queryRequest("alice", stranger.Public(), "ssh-ed25519")
	accepted := queryRequest("alice", a.Public(), "ssh-ed25519")
	right := passwordRequest("alice", "sesame")
	abandoned := [][]byte{interactiveRequest("alice"), infoResponse("sesame", "blue")} // and then another request
	join := slices.Concat[[][]byte]
	times := func(n int, b []byte) [][]byte { return slices.Repeat([][]byte{b}, n) }
	tests := []struct {
		name  string
		lines [][]byte
		ok    bool
	}{
		{"two of three", join(times(2, wrong), times(1, right)), true},
		{"three of three", join(times(3, wrong), times(1, right)), false},
		{"first none is free", join(times(1, none), times(2, wrong), times(1, right)), true},
		{"second none is not", join(times(2, none), times(2, wrong), times(1, right)), false},
		{"later none is not", join(times(1, wrong), times(1, none), times(1, wrong), times(1, right)), false},
		{"refused queries count", join(times(3, refused), times(1, right)), false},
		{"accepted queries don't", join(times(100, accepted), times(1, right)), true},
		{"but end", join(times(130, accepted), times(1, right)), false},
		{"unknown methods count", join(times(3, appendRequest(nil, "alice", "gssapi-with-mic")), times(1, right)), false},
		{"paramiko repeats the service request", join(times(1, none), times(1, serviceRequest()), times(1, wrong), times(1, serviceRequest()), times(1, right)), true},
		{"service requests end", join(times(130, serviceRequest()), times(1, right)), false},
		{"unanswered questions don't count", join(times(5, interactiveRequest("alice")), times(1, right)), true},
		{"answered and abandoned ones do", join(abandoned, abandoned, abandoned, times(1, right)), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, res, err := serve(t, ServerConfig{MaxTries: 3}, join(times(1, serviceRequest()), test.lines)...)
			if (res != nil) != test.ok {
				t.Fatalf("%+v, %v", res, err)
			}
			if !test.ok {
				wantReason(t, err, wire.DisconnectProtocolError)
				if err.Error() != "Too many authentication failures" {
					t.Errorf("text %q", err)
				}
			}
		})
	}
}

// TestUserIsFixed: user and service are what the first request said.
func TestUserIsFixed(t *testing.T) {
	request := func(user, service string) []byte {
		b := wire.AppendString([]byte{wire.MsgUserauthRequest}, user)
		return wire.AppendString(wire.AppendString(b, service), methodNone)
	}
	tests := []struct {
		name   string
		lines  [][]byte
		reason uint32
	}{
		{"other user", [][]byte{request("alice", serviceConnection), request("bob", serviceConnection)}, wire.DisconnectProtocolError},
		{"other service", [][]byte{request("alice", serviceConnection), request("alice", "ssh-userauth")}, wire.DisconnectProtocolError},
		{"unknown service", [][]byte{request("alice", "tunnel")}, wire.DisconnectServiceNotAvailable},
		{"NUL in the name", [][]byte{request("ali\x00ce", serviceConnection)}, wire.DisconnectIllegalUserName},
		{"line feed in the name", [][]byte{request("alice\n", serviceConnection)}, wire.DisconnectIllegalUserName},
		{"escape in the name", [][]byte{request("\x1b[31m", serviceConnection)}, wire.DisconnectIllegalUserName},
		{"C1 control in the name", [][]byte{request("a\u009bb", serviceConnection)}, wire.DisconnectIllegalUserName},
		{"no UTF-8", [][]byte{request("\xff", serviceConnection)}, wire.DisconnectIllegalUserName},
		{"long name", [][]byte{request(strings.Repeat("a", maxUser+1), serviceConnection)}, wire.DisconnectIllegalUserName},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			policy := aliceRules(t, [][]string{{"password"}})
			_, res, err := serve(t, ServerConfig{Policy: policy}, append([][]byte{serviceRequest()}, test.lines...)...)
			if res != nil {
				t.Fatal("got in")
			}
			wantReason(t, err, test.reason)
			if len(policy.asked) != len(test.lines)-1 {
				t.Errorf("the policy was asked about %q", policy.asked)
			}
		})
	}
	_, _, err := serve(t, ServerConfig{}, wire.AppendString([]byte{wire.MsgServiceRequest}, "ssh-connection"))
	wantReason(t, err, wire.DisconnectServiceNotAvailable)
	if _, res, err := serve(t, ServerConfig{Policy: anybody{}}, serviceRequest(), passwordRequest(strings.Repeat("ü", maxUser/2), "x")); err != nil || res.User != strings.Repeat("ü", maxUser/2) {
		t.Errorf("the longest name: %v", err)
	}
}

// anybody lets everyone in with any password.
type anybody struct{}

func (anybody) Begin(context.Context, string) Account {
	return &rules{methods: [][]string{{"password"}}, password: func(string) (*Permit, error) { return &Permit{}, nil }}
}

// TestNilAccount: a policy that knows nobody is no way in.
func TestNilAccount(t *testing.T) {
	s, res, err := serve(t, ServerConfig{Policy: noAccounts{}}, serviceRequest(), noneRequest("alice"), passwordRequest("alice", ""), interactiveRequest("alice"))
	if res != nil || !errors.Is(err, io.EOF) || !bytes.Equal(s.sent[1], failure(false)) {
		t.Errorf("%v, %v, %q", res, err, s.sent)
	}
}

type noAccounts struct{}

func (noAccounts) Begin(context.Context, string) Account { return nil }

// TestErrorRefuses: an account's error is a refusal even beside a permit, and
// the peer learns nothing of it.
func TestErrorRefuses(t *testing.T) {
	broken := errors.New("shadow is unreadable")
	permit := func() (*Permit, error) { return &Permit{}, broken }
	policy := &rules{
		methods:  [][]string{{"publickey"}, {"password"}, {"keyboard-interactive"}},
		key:      func(key.Public, string) (*Permit, error) { return permit() },
		password: func(string) (*Permit, error) { return permit() },
		talk: func() Conversation {
			return OneQuestion("Password:", func(context.Context, string) (*Permit, error) { return permit() })
		},
	}
	var told int
	cfg := ServerConfig{Policy: policy, Trace: func(e Event) {
		if errors.Is(e.Err, broken) {
			told++
		}
	}}
	s, res, err := serve(t, cfg, serviceRequest(), passwordRequest("alice", "x"),
		queryRequest("alice", ed(t, "a").Public(), "ssh-ed25519"),
		signedWith(t, "alice", methodPublicKey, ed(t, "a"), "ssh-ed25519", nil),
		interactiveRequest("alice"), infoResponse("x"))
	if res != nil || !errors.Is(err, io.EOF) || told != 4 {
		t.Errorf("%v, %v, told %d times", res, err, told)
	}
	for _, i := range []int{1, 2, 3, 5} {
		if !bytes.Equal(s.sent[i], allMethods()) {
			t.Errorf("sent %q", s.sent[i])
		}
	}
}

func TestPasswordRules(t *testing.T) {
	change := wire.AppendBool(appendRequest(nil, "alice", methodPassword), true)
	change = wire.AppendString(wire.AppendString(change, "sesame"), "new")
	long := strings.Repeat("x", maxPassword)
	tests := []struct {
		name    string
		request []byte
		empty   bool
		asked   bool
	}{
		{"change", change, true, false},
		{"empty", passwordRequest("alice", ""), false, false},
		{"empty, permitted", passwordRequest("alice", ""), true, true},
		{"longest", passwordRequest("alice", long), false, true},
		{"too long", passwordRequest("alice", long+"x"), false, false},
	}
	for _, test := range tests {
		asked := false
		policy := &rules{methods: [][]string{{"password"}}, password: func(string) (*Permit, error) { asked = true; return nil, nil }}
		s, _, _ := serve(t, ServerConfig{Policy: policy, PermitEmptyPasswords: test.empty}, serviceRequest(), test.request)
		if asked != test.asked || !bytes.Equal(s.sent[1], failure(false, "password")) {
			t.Errorf("%s: asked %v, sent %q", test.name, asked, s.sent[1])
		}
	}
}

func TestInteractiveRules(t *testing.T) {
	begin := interactiveRequest("alice")
	tests := []struct {
		name   string
		lines  [][]byte
		reason uint32 // 0: the script's end
		last   byte
		closed int
	}{
		{"right", [][]byte{begin, infoResponse("sesame", "blue"), infoResponse()}, 0, wire.MsgUserauthSuccess, 1},
		{"wrong", [][]byte{begin, infoResponse("sesame", "red")}, 0, wire.MsgUserauthFailure, 1},
		{"too few answers", [][]byte{begin, infoResponse("sesame")}, wire.DisconnectProtocolError, 0, 1},
		{"too many answers", [][]byte{begin, infoResponse("sesame", "blue", "x")}, wire.DisconnectProtocolError, 0, 1},
		{"huge count", [][]byte{begin, {wire.MsgUserauthInfoResponse, 255, 255, 255, 255}}, wire.DisconnectProtocolError, 0, 1},
		{"truncated", [][]byte{begin, infoResponse("sesame", "blue")[:12]}, wire.DisconnectProtocolError, 0, 1},
		{"long answer", [][]byte{begin, infoResponse(strings.Repeat("x", maxPassword+1), "blue")}, 0, wire.MsgUserauthFailure, 1},
		{"abandoned for itself", [][]byte{begin, begin}, 0, wire.MsgUserauthInfoRequest, 2},
		{"abandoned for a password", [][]byte{begin, passwordRequest("alice", "sesame")}, 0, wire.MsgUserauthSuccess, 1},
		{"hangs up", [][]byte{begin}, 0, wire.MsgUserauthInfoRequest, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			closed := 0
			policy := aliceRules(t, [][]string{{"keyboard-interactive"}, {"password"}})
			policy.talk = func() Conversation { return &quiz{permit: &Permit{}, closed: &closed} }
			s, res, err := serve(t, ServerConfig{Policy: policy}, append([][]byte{serviceRequest()}, test.lines...)...)
			if test.reason != 0 {
				wantReason(t, err, test.reason)
			} else if last := s.sent[len(s.sent)-1][0]; last != test.last || (res != nil) != (last == wire.MsgUserauthSuccess) {
				t.Errorf("last sent %d, want %d: %v", last, test.last, err)
			}
			if closed != test.closed {
				t.Errorf("%d conversations closed, want %d", closed, test.closed)
			}
		})
	}
	endless := &rules{methods: [][]string{{"keyboard-interactive"}}, talk: func() Conversation { return chatter{} }}
	lines := slices.Concat([][]byte{serviceRequest(), begin}, slices.Repeat([][]byte{infoResponse()}, 100))
	s, _, err := serve(t, ServerConfig{Policy: endless}, lines...)
	wantReason(t, err, wire.DisconnectProtocolError)
	if len(s.sent) != 1+maxRounds+1 {
		t.Errorf("%d messages sent", len(s.sent))
	}
}

// chatter never comes to an end.
type chatter struct{}

func (chatter) Next(context.Context, []string) (*Challenge, *Permit, error) {
	return &Challenge{}, nil, nil
}
func (chatter) Close() {}

// TestEveryMessageInEveryState (F4): only 5, 50 and, in a conversation, 61 are
// taken; everything else ends the connection, and nothing lets anybody in.
func TestEveryMessageInEveryState(t *testing.T) {
	states := []struct {
		name    string
		lines   [][]byte
		allowed []byte
	}{
		{"start", nil, []byte{5}},
		{"service accepted", [][]byte{serviceRequest()}, []byte{5, 50}},
		{"after none", [][]byte{serviceRequest(), noneRequest("alice")}, []byte{5, 50}},
		{"key accepted", [][]byte{serviceRequest(), queryRequest("alice", ed(t, "a").Public(), "ssh-ed25519")}, []byte{5, 50}},
		{"questions asked", [][]byte{serviceRequest(), interactiveRequest("alice")}, []byte{5, 50, 61}},
		{"second round", [][]byte{serviceRequest(), interactiveRequest("alice"), infoResponse("sesame", "blue")}, []byte{5, 50, 61}},
		{"partial success", [][]byte{serviceRequest(), passwordRequest("alice", "sesame")}, []byte{5, 50}},
	}
	for _, state := range states {
		for kind := range 256 {
			for _, body := range [][]byte{nil, make([]byte, 64), noneRequest("alice")[1:]} {
				msg := append([]byte{byte(kind)}, body...)
				policy := aliceRules(t, [][]string{{"publickey"}, {"keyboard-interactive"}, {"password", "publickey"}})
				s, res, err := serve(t, ServerConfig{Policy: policy}, slices.Concat(state.lines, [][]byte{msg})...)
				if res != nil || slices.Contains(s.kinds(), wire.MsgUserauthSuccess) {
					t.Fatalf("%s, message %d: got in", state.name, kind)
				}
				if slices.Contains(state.allowed, byte(kind)) {
					continue
				}
				wantReason(t, err, wire.DisconnectProtocolError)
				if len(s.sent) != len(state.lines) {
					t.Errorf("%s, message %d was answered", state.name, kind)
				}
			}
		}
	}
	if _, _, err := serve(t, ServerConfig{}, []byte{}); err == nil {
		t.Error("an empty message passed")
	}
}

// TestMalformedRequests cuts every request at every place and adds to its end.
func TestMalformedRequests(t *testing.T) {
	synctest.Test(t, testMalformedRequests) // refusals wait
}

func testMalformedRequests(t *testing.T) {
	a := ed(t, "a")
	requests := map[string][]byte{
		"none":        noneRequest("alice"),
		"password":    passwordRequest("alice", "sesame"),
		"query":       queryRequest("alice", a.Public(), "ssh-ed25519"),
		"signed":      signedWith(t, "alice", methodPublicKey, a, "ssh-ed25519", nil),
		"hostbound":   signedWith(t, "alice", methodHostbound, a, "ssh-ed25519", nil),
		"interactive": interactiveRequest("alice"),
	}
	methods := [][]string{{"none"}, {"publickey"}, {"password"}, {"keyboard-interactive"}}
	for name, request := range requests {
		for n := 1; n < len(request); n++ {
			_, res, err := serve(t, ServerConfig{Policy: aliceRules(t, methods)}, serviceRequest(), request[:n])
			if res != nil {
				t.Fatalf("%s cut to %d bytes: got in", name, n)
			}
			wantReason(t, err, wire.DisconnectProtocolError)
		}
		_, res, err := serve(t, ServerConfig{Policy: aliceRules(t, methods)}, serviceRequest(), append(slices.Clone(request), 0))
		if res != nil {
			t.Errorf("%s with a byte too many: got in", name)
		}
		wantReason(t, err, wire.DisconnectProtocolError)
		for i := 1; i < len(request); i++ {
			flipped := slices.Clone(request)
			flipped[i] ^= 0x20
			if behind := request[i-1 : i]; request[i] == 1 && (string(behind) == "y" || string(behind) == "m") {
				continue // the boolean behind the method's name: another true value says the same
			}
			if _, res, _ := serve(t, ServerConfig{Policy: aliceRules(t, methods), MaxTries: 1}, serviceRequest(), flipped); res != nil {
				t.Errorf("%s with byte %d flipped: got in", name, i)
			}
		}
	}
}

// TestKeySizes: keys and signatures beyond the caps are refused unread.
func TestKeySizes(t *testing.T) {
	parsed := 0
	cfg := ServerConfig{ParseKey: func(blob []byte) (key.Public, error) { parsed++; return key.ParsePublic(blob) }}
	for _, test := range []struct{ blob, signature int }{{maxKeyBlob + 1, 64}, {64, maxSignature + 1}, {200000, 50000}} {
		b := appendPublicKeyRequest(nil, "alice", methodPublicKey, true, "ssh-ed25519", make([]byte, test.blob), nil)
		b = wire.AppendString(b, make([]byte, test.signature))
		s, _, _ := serve(t, cfg, serviceRequest(), b)
		if !bytes.Equal(s.sent[1], allMethods()) {
			t.Errorf("sent %q", s.sent[1])
		}
	}
	if parsed != 0 {
		t.Errorf("%d keys were parsed", parsed)
	}
}

func TestServerBanner(t *testing.T) {
	cfg := ServerConfig{Banner: func(string) string { return strings.Repeat("x", maxBanner+5) }}
	s, _, _ := serve(t, cfg, serviceRequest(), noneRequest("alice"), passwordRequest("alice", "sesame"))
	if fmt.Sprint(s.kinds()) != "[6 53 51 52]" || len(s.sent[1]) != 1+4+maxBanner+4 {
		t.Errorf("sent %v, banner of %d bytes", s.kinds(), len(s.sent[1]))
	}
}
