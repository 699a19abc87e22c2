package testpeer

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// TB is the part of testing.TB that this package needs. The bench, which is not
// a test, brings its own.
type TB interface {
	Helper()
	Logf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
	TempDir() string
	Failed() bool
}

// Algorithms restricts a peer to one algorithm of each kind. An empty string
// leaves the peer what it has.
type Algorithms struct {
	Kex, Cipher, MAC, HostKey string
}

// Target is a server to log in to. The zero value is of no use; a [Server]
// makes it.
type Target struct {
	Host     string
	Port     int
	User     string
	Identity *Key   // the key that the server lets in
	HostKeys []*Key // what the server proves itself with
}

// Addr is host:port.
func (t Target) Addr() string { return net.JoinHostPort(t.Host, strconv.Itoa(t.Port)) }

// Session is one command run at a target.
type Session struct {
	Command string
	Stdin   io.Reader // nil: empty
	Stdout  io.Writer // nil: discarded

	// Algorithms are kept to as far as the program can be told: plink chooses
	// by family alone, and dbclient has no say in the key exchange. Restrict
	// the server as well where it matters.
	Algorithms Algorithms
	// Everything offers all that the program knows, with what it has off by
	// default.
	Everything bool
	// Rekey is the number of bytes after which the client asks for new keys.
	// 0 leaves the default. Dropbear can't be told.
	Rekey int64
}

// Result is how a session ended.
type Result struct {
	Exit      int    // the exit status, or the program's own for a failure of its own
	Exchanges int    // key exchanges seen by the client; -1 where it doesn't tell
	Log       string // what the program wrote to stderr
}

// Client is a program that logs in. Clients hold no state between runs and are
// safe for concurrent use.
type Client interface {
	Name() string
	// Run returns an error when the program could not be run to its end; any
	// exit status, even of a failed login, is a Result.
	Run(ctx context.Context, at Target, s Session) (Result, error)
}

// ServerOptions say how a server is started.
type ServerOptions struct {
	HostKeys   []*Key // at least one
	Authorized *Key   // the one key that is let in

	Algorithms Algorithms
	Everything bool  // offer also what is off by default
	Rekey      int64 // bytes; 0 leaves the default; Dropbear can't be told
	// Password lets the user in as well; "" lets nobody in by password. Only
	// OpenSSH and Dropbear can be told.
	Password string
	// Config is added at the end of the configuration file of those servers
	// that have one (OpenSSH, nacre).
	Config []string
}

// Running is a started server. It ends with its test.
type Running struct {
	Target
	// Log is what the server has written so far.
	Log func() string
	// Exchanges counts the key exchanges of all connections so far; -1 where
	// the server doesn't tell.
	Exchanges func() int
	// PID is the server's process; 0 for one inside this process.
	PID int
}

// Server is a program that lets people in.
type Server interface {
	Name() string
	// Start returns when the server accepts connections, and fails the test
	// when it doesn't.
	Start(t TB, o ServerOptions) *Running
}

// Clients are all peers that can be a client.
func Clients(t TB) []Client {
	return []Client{NewOpenSSH(t), NewDropbear(t), NewPuTTY(t), NewParamiko(t), NewAsyncSSH(t), NewGo()}
}

// Servers are all peers that can be a server.
func Servers(t TB) []Server {
	return []Server{NewOpenSSH(t), NewDropbear(t), NewParamiko(t), NewAsyncSSH(t), NewGo()}
}

// Me is the name of the user that the tests run as, who is also the one that
// every target lets in.
func Me(t TB) string {
	t.Helper()
	u, err := user.Current()
	if err != nil {
		t.Fatalf("who am I: %v", err)
	}
	return u.Username
}

// target describes a server of this host.
func target(t TB, port int, o ServerOptions) Target {
	return Target{Host: "127.0.0.1", Port: port, User: Me(t), Identity: o.Authorized, HostKeys: o.HostKeys}
}

// givenPorts are the ports that FreePort gave to a test of this process. Until
// its server listens, another test must not get the same one: it would talk to
// a stranger.
var givenPorts sync.Map

// FreePort returns a TCP port of 127.0.0.1 that nobody listens on. Nothing
// reserves it, so use it soon. It is below those that the system gives to
// outgoing connections, one of which could take it before the server does.
func FreePort(t TB) int {
	t.Helper()
	const first, last = 10000, 32000
	var err error
	for range 100 {
		port := first + rand.IntN(last-first)
		if _, given := givenPorts.LoadOrStore(port, true); given {
			continue
		}
		var l net.Listener
		l, err = net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			defer l.Close()
			return l.Addr().(*net.TCPAddr).Port
		}
	}
	t.Fatalf("find a free port: %v", err)
	return 0
}

// writeFile is saveFile for a server, which starts in a test.
func writeFile(t TB, dir, name string, lines ...string) string {
	t.Helper()
	path, err := saveFile(dir, name, lines...)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return path
}

// saveFile writes a private file and returns its path.
func saveFile(dir, name string, lines ...string) (string, error) {
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600)
}

// Read returns the text of a file.
func Read(t TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return string(text)
}
