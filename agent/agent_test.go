package agent

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nacre-ssh/nacre/internal/leakcheck"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/wire"
)

// agentProcess is set in the environment of a process that is an agent at the
// socket that it names.
const agentProcess = "NACRE_TEST_AGENT"

func TestMain(m *testing.M) {
	if socket := os.Getenv(agentProcess); socket != "" {
		l, err := Listen(socket)
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString("ready\n")
		(&Listener{Keyring: &Memory{Scrub: true}}).Serve(context.Background(), l)
		return
	}
	if runtime.GOOS == "windows" { // whose pipes have a goroutine for good
		os.Exit(m.Run())
	}
	leakcheck.Main(m)
}

// testKeys is one key of each type that signs.
var testKeys = sync.OnceValue(func() []*key.Private {
	var keys []*key.Private
	for _, typ := range []string{key.TypeEd25519, key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521, key.TypeRSA} {
		bits := 0
		if typ == key.TypeRSA {
			bits = key.MinRSABits
		}
		k, err := key.Generate(rand.Reader, typ, bits)
		if err != nil {
			panic(err)
		}
		keys = append(keys, k)
	}
	return keys
})

// serve runs Serve behind a pipe and returns a Client to it. Both end with the
// test.
func serve(t testing.TB, k Keyring) *Client {
	ours, theirs := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- Serve(context.Background(), theirs, k) }()
	c := NewClient(ours)
	t.Cleanup(func() {
		c.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c
}

// realAgent starts Debian's ssh-agent and returns its socket.
func realAgent(t *testing.T) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "agent")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	// It prints the socket's name when it listens.
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || !strings.Contains(line, socket) {
		t.Fatalf("ssh-agent said %q, %v", line, err)
	}
	return socket
}

// TestContract holds what every agent does: ours in memory, and OpenSSH's.
func TestContract(t *testing.T) {
	t.Run("memory", func(t *testing.T) { contract(t, serve(t, new(Memory))) })
	t.Run("ssh-agent", func(t *testing.T) {
		c, err := Dial(context.Background(), realAgent(t))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		contract(t, c)
	})
}

func contract(t *testing.T, c *Client) {
	ctx := context.Background()
	if list, err := c.List(ctx); err != nil || len(list) != 0 {
		t.Fatalf("a new agent lists %v, %v", list, err)
	}
	for _, k := range testKeys() {
		if err := c.Add(ctx, AddedKey{Private: k, Comment: "for " + k.Public().Type()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Add(ctx, AddedKey{Private: testKeys()[0], Comment: "again"}); err != nil {
		t.Fatal(err)
	}
	list, err := c.List(ctx)
	if err != nil || len(list) != len(testKeys()) {
		t.Fatalf("%d keys, %v", len(list), err)
	}
	data := []byte("data")
	for i, id := range list {
		want := testKeys()[i].Public()
		if !key.Equal(id.Key, want) || !bytes.Equal(id.Blob, want.Blob()) {
			t.Fatalf("key %d is another one", i)
		}
		if i > 0 && id.Comment != "for "+want.Type() || i == 0 && id.Comment != "again" {
			t.Errorf("comment %q", id.Comment)
		}
		s := c.Signer(id)
		for _, a := range want.Algorithms() {
			if a == key.AlgRSASHA1 {
				continue // ssh-agent may be built without it
			}
			signature, err := s.Sign(ctx, a, data)
			if err != nil {
				t.Fatalf("%s: %v", a, err)
			}
			if err := s.Public().Verify(a, data, signature); err != nil {
				t.Errorf("%s: %v", a, err)
			}
		}
		if _, err := s.Sign(ctx, "ssh-dss", data); err == nil {
			t.Error("signed with an algorithm of another type")
		}
	}
	gone := list[1].Blob
	if err := c.Remove(ctx, gone); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"remove again": c.Remove(ctx, gone),
		"sign":         second(c.Sign(ctx, gone, data, 0)),
		"no key":       second(c.Sign(ctx, nil, nil, 0)),
	} {
		if !errors.Is(err, ErrFailure) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if list, err = c.List(ctx); err != nil || len(list) != len(testKeys())-1 {
		t.Errorf("%d keys, %v", len(list), err)
	}
	if err := c.Add(ctx, AddedKey{Private: testKeys()[1], Lifetime: time.Hour}); err != nil {
		t.Errorf("with a lifetime: %v", err)
	}
	if err := c.RemoveAll(ctx); err != nil {
		t.Fatal(err)
	}
	if list, err = c.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("%d keys, %v", len(list), err)
	}
}

func second(_ []byte, err error) error { return err }

// TestSSHAdd has Debian's ssh-add work with our keyring.
func TestSSHAdd(t *testing.T) {
	dir := t.TempDir()
	socket := filepath.Join(dir, "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	memory := new(Memory)
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wait.Go(func() {
				if err := Serve(context.Background(), conn, memory); err != nil {
					t.Error(err)
				}
			})
		}
	})
	defer wait.Wait()
	defer listener.Close()
	sshAdd := func(want string, args ...string) {
		t.Helper()
		cmd := exec.Command("ssh-add", args...)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), want) {
			t.Errorf("ssh-add %q: %v %s", args, err, out)
		}
	}
	sshAdd("The agent has no identities.", "-l")
	for _, k := range testKeys() {
		path := filepath.Join(dir, k.Public().Type())
		if err := keyfile.SavePrivate(path, k, "my comment", nil); err != nil {
			t.Fatal(err)
		}
		sshAdd("Identity added", path)
		sshAdd("my comment", "-l")
		sshAdd(keyfile.FingerprintSHA256(k.Public()), "-l")
		line := keyfile.MarshalAuthorizedKey(keyfile.AuthorizedKey{Key: k.Public(), Comment: "my comment"})
		sshAdd(string(line), "-L")
		if err := os.WriteFile(path+".pub", line, 0o600); err != nil {
			t.Fatal(err)
		}
		sshAdd("", "-T", path+".pub")
		sshAdd("Identity removed", "-d", path+".pub")
		sshAdd("Lifetime set to 60 seconds", "-t", "60", path)
		sshAdd("agent refused operation", "-c", path) // nobody could confirm
	}
	sshAdd("All identities removed", "-D")
	if list, err := memory.List(context.Background()); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}

func TestMemoryConfirm(t *testing.T) {
	ctx := context.Background()
	k := AddedKey{Private: testKeys()[0], Confirm: true}
	blob := testKeys()[0].Public().Blob()
	if err := serve(t, new(Memory)).Add(ctx, k); !errors.Is(err, ErrFailure) {
		t.Errorf("without anybody to ask: %v", err)
	}
	asked, say := 0, true
	c := serve(t, &Memory{Confirm: func(_ context.Context, id Identity, _ string) bool {
		asked++
		return say && bytes.Equal(id.Blob, blob)
	}})
	if err := c.Add(ctx, k); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Sign(ctx, blob, nil, 0); err != nil || asked != 1 {
		t.Errorf("%v, asked %d times", err, asked)
	}
	say = false
	if _, err := c.Sign(ctx, blob, nil, 0); !errors.Is(err, ErrFailure) || asked != 2 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}

func TestMemoryLifetime(t *testing.T) {
	testKeys() // outside the bubble
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		m := new(Memory)
		k := testKeys()[0]
		if err := m.Add(ctx, AddedKey{Private: k, Lifetime: time.Minute}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute - time.Nanosecond)
		if _, err := m.Sign(ctx, k.Public().Blob(), nil, 0); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Nanosecond)
		if _, err := m.Sign(ctx, k.Public().Blob(), nil, 0); err == nil {
			t.Error("signed with an expired key")
		}
		if list, _ := m.List(ctx); len(list) != 0 {
			t.Error("an expired key is listed")
		}
	})
}

func TestMemoryLimits(t *testing.T) {
	ctx := context.Background()
	m := &Memory{keys: make([]heldKey, MaxIdentities)}
	if err := m.Add(ctx, AddedKey{Private: testKeys()[0]}); err == nil {
		t.Error("a key beyond the cap was added")
	}
	if err := m.Add(ctx, AddedKey{}); err == nil {
		t.Error("no key was added")
	}
	m = new(Memory)
	if err := m.Add(ctx, AddedKey{Private: testKeys()[0]}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Sign(ctx, testKeys()[0].Public().Blob(), nil, 8); err == nil {
		t.Error("an unknown flag was taken")
	}
}

// TestServeRefuses sends what a keyring must never see.
func TestServeRefuses(t *testing.T) {
	add := func(number byte, tail ...byte) []byte {
		b, err := appendAdded(AddedKey{Private: testKeys()[0], Comment: "x"})
		if err != nil {
			t.Fatal(err)
		}
		b[4] = number
		return append(b, tail...)
	}
	var messages [][]byte
	for number := range 256 {
		switch number {
		case msgRequestIdentities, msgRemoveAll, msgRemoveAllRSA1:
			messages = append(messages, append(newMessage(byte(number)), 0)) // with a byte too many
		default:
			messages = append(messages, newMessage(byte(number)))
		}
	}
	messages = append(messages,
		add(msgAddIdentity, 0),
		add(msgAddIdentity, constrainConfirm),
		add(msgAddConstrained, 0),
		add(msgAddConstrained, 3, 0, 0, 0, 1), // the draft's withdrawn "maxsign"
		add(msgAddConstrained, append([]byte{255}, wire.AppendString(nil, "restrict-destination-v00@openssh.com")...)...),
		add(msgAddConstrained, constrainLifetime),
		add(msgAddConstrained, constrainLifetime, 0, 0, 0),
		add(msgAddConstrained, constrainLifetime, 0, 0, 0, 9, constrainLifetime, 0, 0, 0, 9),
		add(msgAddConstrained, constrainConfirm), // nobody to ask
		append(newMessage(msgSignRequest), 255, 255, 255, 255),
	)
	m := new(Memory)
	ours, theirs := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- Serve(context.Background(), theirs, m) }()
	for _, b := range messages {
		if err := writeMessage(ours, b); err != nil {
			t.Fatal(err)
		}
		reply, err := readMessage(ours)
		if err != nil || !bytes.Equal(reply, []byte{msgFailure}) {
			t.Errorf("message %d: % x %v", b[4], reply, err)
		}
	}
	if list, _ := m.List(context.Background()); len(list) != 0 {
		t.Error("a refused key was added")
	}
	ours.Close()
	if err := <-done; err != nil {
		t.Errorf("the peer left: %v", err)
	}
	for _, size := range []uint32{0, MaxMessage + 1, 1<<32 - 1} {
		ours, theirs := net.Pipe()
		go func() { done <- Serve(context.Background(), theirs, m) }()
		ours.Write(binary.BigEndian.AppendUint32(nil, size))
		if err := <-done; err == nil {
			t.Errorf("a message of %d bytes was taken", size)
		}
		ours.Close()
	}
	// A peer that leaves in the middle of a message is an error.
	ours, theirs = net.Pipe()
	go func() { done <- Serve(context.Background(), theirs, m) }()
	ours.Write([]byte{0, 0, 0, 9, 1})
	ours.Close()
	if err := <-done; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func TestServeEndsWithContext(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Serve(ctx, theirs, new(Memory)) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// lying answers every request with the same bytes.
func lying(t *testing.T, reply []byte) *Client {
	ours, theirs := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer theirs.Close()
		if _, err := readMessage(theirs); err == nil {
			theirs.Write(reply)
		}
	}()
	c := NewClient(ours)
	t.Cleanup(func() { c.Close(); <-done })
	return c
}

func TestClientRefuses(t *testing.T) {
	ctx := context.Background()
	framed := func(b ...byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }
	for name, reply := range map[string][]byte{
		"nothing":          nil,
		"cut header":       {0, 0},
		"empty":            framed(),
		"huge":             {255, 255, 255, 255},
		"cut":              {0, 0, 0, 9, msgIdentitiesAnswer},
		"other number":     framed(msgSuccess),
		"failure and more": framed(msgFailure, 1),
		"no count":         framed(msgIdentitiesAnswer),
		"too many":         framed(msgIdentitiesAnswer, 0, 0, 8, 1),
		"missing key":      framed(msgIdentitiesAnswer, 0, 0, 0, 1),
		"missing comment":  framed(msgIdentitiesAnswer, 0, 0, 0, 1, 0, 0, 0, 0),
		"trailing":         framed(msgIdentitiesAnswer, 0, 0, 0, 0, 0),
	} {
		c := lying(t, reply)
		if list, err := c.List(ctx); err == nil || errors.Is(err, ErrFailure) {
			t.Errorf("%s: %v %v", name, list, err)
		}
		if _, err := c.List(ctx); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: the connection was used again: %v", name, err)
		}
	}
	if _, err := lying(t, framed(msgFailure)).List(ctx); !errors.Is(err, ErrFailure) {
		t.Errorf("failure: %v", err)
	}
	// A key of a type that isn't known is listed without a Key.
	blob := wire.AppendString(nil, "future-key")
	b := wire.AppendString(wire.AppendString([]byte{msgIdentitiesAnswer, 0, 0, 0, 1}, blob), "c")
	c := lying(t, framed(b...))
	list, err := c.List(ctx)
	if err != nil || len(list) != 1 || list[0].Key != nil || !bytes.Equal(list[0].Blob, blob) || list[0].Comment != "c" {
		t.Fatalf("%+v %v", list, err)
	}
	if _, err := c.Signer(list[0]).Sign(ctx, "future-key", nil); err == nil {
		t.Error("signed with a key that isn't known")
	}
	// An agent that knows no SHA-2 answers with SHA-1.
	sha1 := wire.AppendString(wire.AppendString(nil, "ssh-rsa"), "signature")
	c = lying(t, framed(wire.AppendString([]byte{msgSignResponse}, sha1)...))
	id := Identity{Key: testKeys()[4].Public(), Blob: testKeys()[4].Public().Blob()}
	if _, err := c.Signer(id).Sign(ctx, key.AlgRSASHA256, nil); err == nil {
		t.Error("a signature of another algorithm was taken")
	}
	if _, err := c.Sign(ctx, nil, make([]byte, MaxMessage), 0); err == nil {
		t.Error("a request beyond the cap was sent")
	}
	for _, k := range []AddedKey{
		{}, {Private: testKeys()[0], Lifetime: -time.Second},
		{Private: testKeys()[0], Lifetime: time.Millisecond}, {Private: testKeys()[0], Lifetime: 1 << 32 * time.Second},
	} {
		if err := c.Add(ctx, k); err == nil {
			t.Errorf("%+v was added", k)
		}
	}
}

// TestClientCancel has an agent that never answers: the request ends with its
// context, a waiting one too, and the next one gets a new connection.
func TestClientCancel(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	c, err := Dial(context.Background(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	silent, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	ctx, cancel := context.WithCancel(context.Background())
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := c.List(ctx)
			results <- err
		}()
	}
	if _, err := readMessage(silent); err != nil { // one has been asked, the other waits
		t.Fatal(err)
	}
	cancel()
	for range 2 {
		if err := <-results; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
	served := make(chan error, 1)
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			err = Serve(context.Background(), conn, new(Memory))
		}
		served <- err
	}()
	if list, err := c.List(context.Background()); err != nil || len(list) != 0 {
		t.Errorf("on a new connection: %v %v", list, err)
	}
	c.Close()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := c.List(context.Background()); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

func TestDialFails(t *testing.T) {
	ctx := context.Background()
	if _, err := Dial(ctx, ""); err == nil || !strings.Contains(err.Error(), "SSH_AUTH_SOCK") {
		t.Error(err)
	}
	if _, err := Dial(ctx, filepath.Join(t.TempDir(), "nothing")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// TestAtOnce has many goroutines share one Client.
func TestAtOnce(t *testing.T) {
	c := serve(t, new(Memory))
	ctx := context.Background()
	k := testKeys()[0]
	if err := c.Add(ctx, AddedKey{Private: k}); err != nil {
		t.Fatal(err)
	}
	s := c.Signer(Identity{Key: k.Public(), Blob: k.Public().Blob()})
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 20 {
				data := []byte{byte(i), byte(n)}
				signature, err := s.Sign(ctx, key.TypeEd25519, data)
				if err != nil || k.Public().Verify(key.TypeEd25519, data, signature) != nil {
					t.Errorf("%v", err)
				}
			}
		})
	}
	wait.Wait()
}

func FuzzAnswer(f *testing.F) {
	for _, k := range testKeys() {
		b, err := appendAdded(AddedKey{Private: k, Comment: "c", Lifetime: time.Minute, Confirm: true})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[4:])
		b = wire.AppendString(newMessage(msgSignRequest), k.Public().Blob())
		f.Add(wire.AppendUint32(wire.AppendString(b, "data"), 2)[4:])
		f.Add(wire.AppendString(newMessage(msgRemoveIdentity), k.Public().Blob())[4:])
	}
	f.Add([]byte{msgRequestIdentities})
	f.Add([]byte{msgRemoveAll})
	f.Add([]byte{27, 0, 0, 0, 24})
	host := place{"gate", testKeys()[0]}
	b, err := appendAdded(AddedKey{Private: testKeys()[0], Certificate: certify(f, testKeys()[0].Public(), testKeys()[0]), Destinations: []Destination{{To: host.hop("bob")}, {From: host.hop(""), To: host.hop("")}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b[4:])
	p := host.proof(f, "session", true)
	b = wire.AppendString(wire.AppendString(newMessage(msgExtension), extBind), p.HostKey)
	f.Add(wire.AppendBool(wire.AppendString(wire.AppendString(b, p.SessionID), p.Signature), true)[4:])
	f.Add(wire.AppendString(newMessage(msgExtension), extQuery)[4:])
	f.Add(wire.AppendString(newMessage(msgLock), "password")[4:])
	if b, err = (&Token{ID: "lib", Lifetime: time.Minute, Certificates: [][]byte{{1}}}).append(msgAddToken); err != nil {
		f.Fatal(err)
	}
	f.Add(b[4:])
	f.Fuzz(func(t *testing.T, message []byte) {
		ctx := context.Background()
		m := &Memory{Confirm: func(context.Context, Identity, string) bool { return false }}
		if err := m.Add(ctx, AddedKey{Private: testKeys()[0]}); err != nil {
			t.Fatal(err)
		}
		reply, _ := answer(ctx, m, message)
		if len(reply) < 5 {
			t.Fatalf("% x", reply)
		}
		switch reply[4] {
		case msgFailure, msgSuccess, msgIdentitiesAnswer, msgSignResponse, msgExtensionFailure, msgExtensionResponse:
		default:
			t.Errorf("answer %d", reply[4])
		}
	})
}

// replay is a connection whose other end has said everything already.
type replay struct{ io.Reader }

func (replay) Write(b []byte) (int, error) { return len(b), nil }
func (replay) Close() error                { return nil }

func FuzzClient(f *testing.F) {
	m := new(Memory)
	for _, k := range testKeys() {
		if err := m.Add(context.Background(), AddedKey{Private: k, Comment: "c"}); err != nil {
			f.Fatal(err)
		}
	}
	for _, b := range [][]byte{{msgRequestIdentities}, {msgRemoveIdentity}} {
		reply, _ := answer(context.Background(), m, b)
		binary.BigEndian.PutUint32(reply, uint32(len(reply)-4))
		f.Add(reply)
	}
	f.Add([]byte{0, 0, 0, 9, msgSignResponse, 0, 0, 0, 4, 0, 0, 0, 0})
	f.Add(append([]byte{0, 0, 0, 37, msgExtensionResponse, 0, 0, 0, 5}, "query\x00\x00\x00\x18session-bind@openssh.com"...))
	f.Fuzz(func(t *testing.T, b []byte) {
		ctx := context.Background()
		if names, err := NewClient(replay{bytes.NewReader(b)}).Extensions(ctx); err == nil && len(names) > len(b) {
			t.Error("names out of nowhere")
		}
		list, err := NewClient(replay{bytes.NewReader(b)}).List(ctx)
		if err == nil && len(list) > MaxIdentities {
			t.Error("too many keys")
		}
		k := testKeys()[0].Public()
		s := NewClient(replay{bytes.NewReader(b)}).Signer(Identity{Key: k, Blob: k.Blob()})
		if signature, err := s.Sign(ctx, k.Type(), nil); err == nil && !bytes.HasPrefix(signature, wire.AppendString(nil, k.Type())) {
			t.Errorf("% x", signature)
		}
	})
}

// FuzzDestinations reads what a signature request and a constraint hold.
func FuzzDestinations(f *testing.F) {
	host := place{"gate", testKeys()[0]}
	b, err := appendDestinations(nil, []Destination{{To: host.hop("bob")}, {From: host.hop(""), To: host.hop("")}})
	if err != nil {
		f.Fatal(err)
	}
	blob := host.key.Public().Blob()
	f.Add(b[4:], loginData("session", "bob", host.key.Public(), blob))
	f.Add(b, loginData("session", "bob", host.key.Public(), nil))
	f.Add([]byte{}, certify(f, host.key.Public(), testKeys()[0]))
	f.Fuzz(func(t *testing.T, list, data []byte) {
		destinations, err := readDestinations(list)
		if err == nil {
			again, err := appendDestinations(nil, destinations)
			if err != nil || len(again) != len(list)+4 {
				t.Errorf("%d bytes became %d: %v", len(list), len(again), err)
			}
		}
		p := &Peer{bindings: []Binding{{HostKey: blob, SessionID: []byte("session")}}}
		if _, err := p.login(destinations, blob, data, nil); err == nil && !bytes.Contains(data, blob) {
			t.Error("a login without the key was taken")
		}
		_, _, _ = Plain(data)
	})
}
