package applet

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/keyfile"
)

// The test binary is nacre, and nacre under the name ssh, for scripts and for
// tests that need a terminal.
func TestMain(m *testing.M) {
	if strings.HasSuffix(os.Args[0], ".test") { // else it is a program of a script
		testpeer.Hangups()
	}
	testscript.Main(m, map[string]func(){
		"nacre": func() { os.Exit(Main(append([]string{"nacre"}, os.Args[1:]...))) },
		"ssh":   func() { os.Exit(Main(append([]string{"/usr/bin/ssh"}, os.Args[1:]...))) },
	})
}

// A host is an OpenSSH server and the files to log in to it with.
type host struct {
	*testpeer.Running
	dir       string
	conf      string // ssh_config that works
	known     string // known_hosts that knows the server
	encrypted string // a key file that the server takes, with the passphrase "secret"
}

const passphrase = "secret"

// startHost starts an OpenSSH server with an ed25519 and an RSA host key.
func startHost(t *testing.T) *host {
	t.Helper()
	hostKeys := []*testpeer.Key{testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.RSA)}
	id := testpeer.NewKey(t, testpeer.Ed25519)
	h := &host{dir: t.TempDir()}
	h.Running = testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{
		HostKeys: hostKeys, Authorized: id, Config: []string{"AcceptEnv FOO", "Banner none", "MaxAuthTries 20", "Subsystem sftp internal-sftp"},
	})
	var lines strings.Builder
	for _, k := range hostKeys {
		fmt.Fprintf(&lines, "[127.0.0.1]:%d %s", h.Port, testpeer.Read(t, k.Path+".pub"))
	}
	h.known = h.write(t, "known_hosts", lines.String())
	h.encrypted = h.lock(t, id.Path)
	h.conf = h.write(t, "config", h.config("IdentityFile "+id.Path, "UserKnownHostsFile "+h.known))
	return h
}

// config is an ssh_config for the host, with lines before the usual ones.
func (h *host) config(lines ...string) string {
	return strings.Join(append(lines, "HostName 127.0.0.1", "Port "+strconv.Itoa(h.Port), "User "+h.User,
		"GlobalKnownHostsFile none", "IdentitiesOnly yes", "HashKnownHosts no", ""), "\n")
}

func (h *host) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// lock copies a key file under a passphrase.
func (h *host) lock(t *testing.T, path string) string {
	t.Helper()
	k, _, err := keyfile.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := keyfile.MarshalPrivateAs(k, "locked", []byte(passphrase), keyfile.Encryption{Rounds: 1})
	if err != nil {
		t.Fatal(err)
	}
	return h.write(t, "locked", string(text))
}

// startAgent serves the host's identity as an agent and returns its socket.
func (h *host) startAgent(t *testing.T) string {
	t.Helper()
	k, _, err := keyfile.Load(h.Identity.Path, nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := new(agent.Memory)
	if err := keys.Add(context.Background(), agent.AddedKey{Private: k, Comment: "of the agent"}); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(h.dir, "agent")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	testpeer.AcceptAt(t, l, func(c net.Conn) { agent.Serve(context.Background(), c, keys) })
	return socket
}

// webServer answers as something that is no SSH server does.
func webServer(t *testing.T) int {
	t.Helper()
	return testpeer.Accept(t, func(nc *net.TCPConn) {
		fmt.Fprint(nc, "HTTP/1.1 400 Bad Request\r\n\r\n")
		nc.CloseWrite()
		io.Copy(io.Discard, nc) // closing with something unread would reset
	})
}

// silentServer accepts and says nothing.
func silentServer(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().(*net.TCPAddr).Port
}

func TestScripts(t *testing.T) {
	h := startHost(t)
	socket := h.startAgent(t)
	web, silent, closed := webServer(t), silentServer(t), testpeer.FreePort(t)
	big := make([]byte, 16<<20)
	for i := range big {
		big[i] = byte(i*i>>7 ^ i)
	}
	bigFile := h.write(t, "big", string(big))
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars,
				"HOME="+e.WorkDir, "XDG_CACHE_HOME="+filepath.Join(e.WorkDir, "cache"),
				"CONF="+h.conf, "DIR="+h.dir, "PORT="+strconv.Itoa(h.Port), "REMOTE_USER="+h.User,
				"KEY="+h.Identity.Path, "LOCKED="+h.encrypted, "KNOWN="+h.known, "AGENT="+socket,
				"WEB="+strconv.Itoa(web), "SILENT="+strconv.Itoa(silent), "CLOSED="+strconv.Itoa(closed),
				"BIG="+bigFile, fmt.Sprintf("BIGSUM=%x", sha256.Sum256(big)),
				"FINGERPRINT="+h.HostKeys[0].Fingerprint(),
			)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"code": runCode},
	})
}

// runCode is "code N program [argument ...]": the exit code must be N. Like exec
// it leaves what the program wrote for stdout and stderr, and takes stdin.
func runCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code number program [argument ...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if exit := new(exec.ExitError); err != nil {
		if !asExit(err, &exit) {
			ts.Fatalf("%v", err)
		}
		code = exit.ExitCode()
	}
	if strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

// Help names every door that isn't internal, and each has one line.
func TestDoors(t *testing.T) {
	seen := map[string]bool{}
	for _, d := range Doors() {
		for _, name := range append([]string{d.Name}, d.Aliases...) {
			if seen[name] {
				t.Errorf("two doors are called %q", name)
			}
			seen[name] = true
		}
		if d.Run == nil || d.Group != "" && (d.Help == "" || strings.Contains(d.Help, "\n")) {
			t.Errorf("door %q lacks something", d.Name)
		}
	}
}
