package interop

import (
	"bytes"
	"context"
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

const (
	sessionTime = 60 * time.Second // far more than any session takes on a busy machine
	bulk        = 64 << 20
	small       = 1 << 20
	rekeyAfter  = 20 << 20 // bytes, so that 64 MiB have three rekeys and an end without one
)

var subjectName = flag.String("subject", "nacre", "what is tested against the peers: nacre or openssh")

// subject is the program that every peer meets.
type subject interface {
	testpeer.Client
	testpeer.Server
}

// world is what the tests of one role share.
type world struct {
	subject  subject
	knows    algorithms // what the subject has
	identity *testpeer.Key
	hostKeys []*testpeer.Key

	mu  sync.Mutex
	met map[string]bool // algorithms that worked with some peer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		identity: testpeer.NewKey(t, testpeer.Ed25519),
		hostKeys: testpeer.NewHostKeys(t),
		met:      map[string]bool{},
	}
	switch *subjectName {
	case "nacre":
		w.subject, w.knows = testpeer.BuildNacre(t), nacres
	case "openssh":
		openssh := testpeer.NewOpenSSH(t)
		offer, err := testpeer.ServerOffer(openssh.Start(t, w.everything()).Target)
		if err != nil {
			t.Fatal(err)
		}
		w.subject, w.knows = openssh, offered(offer).both(nacres)
	default:
		t.Fatalf("no subject %q", *subjectName)
	}
	return w
}

// everything are the options of a peer that holds nothing back.
func (w *world) everything() testpeer.ServerOptions {
	return testpeer.ServerOptions{HostKeys: w.hostKeys, Authorized: w.identity, Everything: true}
}

// plain are the options of the subject as it is by default.
func (w *world) plain() testpeer.ServerOptions {
	return testpeer.ServerOptions{HostKeys: w.hostKeys, Authorized: w.identity}
}

// TestPeersAsClients has every peer log in to the subject's server.
func TestPeersAsClients(t *testing.T) {
	w := newWorld(t)
	t.Run("peer", func(t *testing.T) {
		for _, peer := range testpeer.Clients(t) {
			t.Run(peer.Name(), func(t *testing.T) {
				t.Parallel()
				w.client(t, peer)
			})
		}
	})
	w.allMet(t)
}

func (w *world) client(t *testing.T, peer testpeer.Client) {
	t.Run("login", func(t *testing.T) {
		login(t, peer, w.subject.Start(t, w.plain()).Target)
	})
	t.Run("rekey-ours", func(t *testing.T) {
		o := w.plain()
		o.Rekey = rekeyAfter
		transfer(t, peer, w.subject.Start(t, o), testpeer.Session{}, bulk, 2)
	})
	if peer.Name() != "dropbear" { // can't be told
		t.Run("rekey-theirs", func(t *testing.T) {
			transfer(t, peer, w.subject.Start(t, w.plain()), testpeer.Session{Rekey: rekeyAfter}, bulk, 2)
		})
	}
	offer, err := testpeer.ClientOffer(t, peer, w.identity, testpeer.Session{Everything: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range w.cells(t, offer) {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			o := w.plain()
			o.Algorithms, o.HostKeys = c.algorithms, w.proof(c)
			transfer(t, peer, w.subject.Start(t, o), testpeer.Session{Everything: true, Algorithms: c.algorithms}, small, 1)
			w.meets(c)
		})
	}
}

// TestPeersAsServers has the subject's client log in to every peer's server.
func TestPeersAsServers(t *testing.T) {
	w := newWorld(t)
	t.Run("peer", func(t *testing.T) {
		for _, peer := range testpeer.Servers(t) {
			t.Run(peer.Name(), func(t *testing.T) {
				t.Parallel()
				w.server(t, peer)
			})
		}
	})
	w.allMet(t)
}

func (w *world) server(t *testing.T, peer testpeer.Server) {
	t.Run("login", func(t *testing.T) {
		login(t, w.subject, peer.Start(t, w.plain()).Target)
	})
	t.Run("rekey-ours", func(t *testing.T) {
		transfer(t, w.subject, peer.Start(t, w.plain()), testpeer.Session{Rekey: rekeyAfter}, bulk, 2)
	})
	if peer.Name() != "dropbear" { // can't be told
		t.Run("rekey-theirs", func(t *testing.T) {
			o := w.plain()
			o.Rekey = rekeyAfter
			transfer(t, w.subject, peer.Start(t, o), testpeer.Session{}, bulk, 2)
		})
	}
	// One server for all but the host keys, of which each has its own.
	shared := peer.Start(t, w.everything())
	offer, err := testpeer.ServerOffer(shared.Target)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range w.cells(t, offer) {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			at := shared
			if c.kind == hostKeys {
				o := w.everything()
				o.HostKeys = w.proof(c)
				at = peer.Start(t, o)
			}
			transfer(t, w.subject, at, testpeer.Session{Algorithms: c.algorithms}, small, 1)
			w.meets(c)
		})
	}
}

// proof are the host keys for a cell: the one that it is about, or all.
func (w *world) proof(c cell) []*testpeer.Key {
	if c.kind != hostKeys {
		return w.hostKeys
	}
	i := slices.IndexFunc(w.hostKeys, func(k *testpeer.Key) bool { return k.Type == keyType(c.algorithms.HostKey) })
	return w.hostKeys[i : i+1]
}

// run is one session that must come to its end.
func run(t *testing.T, c testpeer.Client, at testpeer.Target, s testpeer.Session) testpeer.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), sessionTime)
	defer cancel()
	res, err := c.Run(ctx, at, s)
	if err != nil {
		t.Fatalf("%s: %v\n%s", c.Name(), err, res.Log)
	}
	return res
}

func login(t *testing.T, c testpeer.Client, at testpeer.Target) {
	t.Helper()
	var out bytes.Buffer
	res := run(t, c, at, testpeer.Session{Command: "echo hello; exit 7", Stdout: &out})
	if res.Exit != 7 || out.String() != "hello\n" {
		t.Fatalf("exit %d, output %q; want 7, hello\n%s", res.Exit, out.String(), res.Log)
	}
}

// transfer sends size bytes to cat and back, and wants at least so many key
// exchanges of the side that tells.
func transfer(t *testing.T, c testpeer.Client, at *testpeer.Running, s testpeer.Session, size int64, exchanges int) {
	t.Helper()
	in, out := testpeer.NewPayload(size, 1), testpeer.Sink{}
	s.Command, s.Stdin, s.Stdout = "cat", in, &out
	res := run(t, c, at.Target, s)
	if res.Exit != 0 {
		t.Fatalf("exit %d after %d bytes\n%s", res.Exit, out.N, res.Log)
	}
	if out.N != size || out.Sum() != in.Sum() {
		t.Fatalf("%d bytes came back, want %d with the same checksum\n%s", out.N, size, res.Log)
	}
	if exchanges > 1 && max(res.Exchanges, at.Exchanges()) < exchanges {
		t.Errorf("%d key exchanges by the client's count, %d by the server's; want %d\n%s",
			res.Exchanges, at.Exchanges(), exchanges, res.Log)
	}
}

// meets remembers that a cell's algorithm worked.
func (w *world) meets(c cell) {
	w.mu.Lock()
	w.met[c.name()] = true
	w.mu.Unlock()
}

// allMet fails for an algorithm of the subject that no peer could try, unless
// only some of the matrix was asked for.
func (w *world) allMet(t *testing.T) {
	t.Helper()
	if only := flag.Lookup("test.run"); only.Value.String() != "" || t.Failed() {
		return
	}
	var alone []string
	for kind, names := range w.knows {
		for _, name := range names {
			if n := kind + "/" + name; !w.met[n] {
				alone = append(alone, n)
			}
		}
	}
	if len(alone) > 0 {
		slices.Sort(alone)
		t.Errorf("no peer tried %s", strings.Join(alone, ", "))
	}
}
