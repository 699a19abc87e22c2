package keys

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// sortedLines makes output comparable: connections end in any order.
func sortedLines(text string) string {
	lines := strings.SplitAfter(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// certifiedServer is OpenSSH's server with a certificate for one of its keys.
func certifiedServer(t *testing.T) *testpeer.Running {
	t.Helper()
	keys := []*testpeer.Key{testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.ECDSA256), testpeer.NewKey(t, testpeer.RSA)}
	ca := testpeer.NewKey(t, testpeer.Ed25519)
	if out, err := exec.Command("ssh-keygen", "-q", "-s", ca.Path, "-h", "-I", "x", "-n", "localhost", keys[0].Path+".pub").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	return testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{
		HostKeys: keys, Authorized: ca, Config: []string{"HostCertificate " + keys[0].Path + "-cert.pub", "MaxStartups 100"},
	})
}

func TestKeyscanLikeTheOriginal(t *testing.T) {
	server := certifiedServer(t)
	port := strconv.Itoa(server.Port)
	list := "127.0.0.1,alias Other,Name2\n# comment\n\n127.0.0.1/32 # one\nlocalhost\n"
	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, []byte(list), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"127.0.0.1"}, {"-4", "LOCALHOST"}, {"-t", "ed25519,RSA", "127.0.0.1"}, {"-c", "127.0.0.1"}, {"-D", "127.0.0.1"}, {"-H", "-t", "rsa", "127.0.0.1"},
		{"-t", "dsa", "127.0.0.1"}, {"-f", file}, {"-f", "-"}, {"-f", file, "-H", "-t", "ecdsa"}, {"-t", "x", "127.0.0.1"}, {"-f", file + "x"},
		{"-6", "-t", "rsa", "127.0.0.1"}, {"-p", "x", "127.0.0.1"},
	} {
		args = append([]string{"-p", port}, args...)
		code, out, errs := runReal(t, list, "ssh-keyscan", args...)
		ourCode, ourOut, ourErrs := runDoor(t, "ssh-keyscan", list, args...)
		out, ourOut = salted.ReplaceAllString(out, "HASH"), salted.ReplaceAllString(ourOut, "HASH")
		if ourCode != code || sortedLines(ourOut) != sortedLines(out) || sortedLines(ourErrs) != sortedLines(errs) {
			t.Errorf("%q: %d\n%s%s\nnot %d\n%s%s", args, ourCode, ourOut, ourErrs, code, out, errs)
		}
	}
	// What this Debian's original doesn't know yet.
	if code, out, errs := runDoor(t, "ssh-keyscan", "", "-q", "-D", "-O", "hashalg=sha256", "-t", "rsa", "-p", port, "127.0.0.1"); code != 0 || errs != "" || strings.Count(out, "\n") != 1 || !strings.Contains(out, " SSHFP 1 2 ") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	// Hashed names are found again.
	_, out, _ := runDoor(t, "ssh-keyscan", "", "-H", "-p", port, "localhost")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, found, errs := runReal(t, "", "ssh-keygen", "-F", "[localhost]:"+port, "-f", file); code != 0 || strings.Count(found, "# Host") != 3 {
		t.Errorf("%d %s%s", code, found, errs)
	}
}

func TestKeyscanOfDropbear(t *testing.T) {
	key := testpeer.NewKey(t, testpeer.Ed25519)
	server := testpeer.NewDropbear(t).Start(t, testpeer.ServerOptions{HostKeys: []*testpeer.Key{key}, Authorized: key})
	code, out, errs := runDoor(t, "ssh-keyscan", "", "-t", "ed25519", "-p", strconv.Itoa(server.Port), "127.0.0.1")
	public := strings.Join(strings.Fields(readText(t, key.Path+".pub"))[:2], " ")
	if code != 0 || out != "[127.0.0.1]:"+strconv.Itoa(server.Port)+" "+public+"\n" || !strings.Contains(errs, "SSH-2.0-dropbear") {
		t.Errorf("%d %q %q", code, out, errs)
	}
}

// TestKeyscanOfStrangers: what is down, silent or no SSH server costs its own
// time alone.
func TestKeyscanOfStrangers(t *testing.T) {
	talk := func(text string, stay bool) string {
		return strconv.Itoa(testpeer.Accept(t, func(nc *net.TCPConn) {
			io.WriteString(nc, text)
			if !stay {
				nc.CloseWrite()
			}
			io.Copy(io.Discard, nc) // a close with something unread would be a reset
		}))
	}
	for what, port := range map[string]string{
		"silent": talk("", true), "closed": talk("", false), "web server": talk("HTTP/1.0 400 no\r\n\r\n", false),
		"old": talk("SSH-1.5-x\r\n", false), "refused": strconv.Itoa(testpeer.FreePort(t)),
	} {
		args := []string{"-T", "1", "-t", "rsa", "-p", port, "127.0.0.1"}
		code, out, errs := runReal(t, "", "ssh-keyscan", args...)
		ourCode, ourOut, ourErrs := runDoor(t, "ssh-keyscan", "", args...)
		if ourCode != code || ourOut != out || ourErrs != errs {
			t.Errorf("%s: %d %q %q, not %d %q %q", what, ourCode, ourOut, ourErrs, code, out, errs)
		}
	}
	// A server's version is not to steer the terminal.
	_, _, errs := runDoor(t, "ssh-keyscan", "", "-T", "1", "-t", "rsa", "-p", talk("SSH-2.0-\x1b[31mx\r\n", false), "127.0.0.1")
	if !strings.Contains(errs, `SSH-2.0-\x1b[31mx`) {
		t.Errorf("%q", errs)
	}
}
