package applet

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// A ward is an OpenSSH server where each of the system's accounts is ill in
// another way, and each key leads to another room.
type ward struct {
	*testpeer.Running
	dir  string
	keys map[string]*testpeer.Key // by what is wrong with them
}

// The ward's accounts are Debian's, which exist everywhere.
func wardConfig(dir, ca string) []string {
	return []string{
		"AuthorizedKeysCommand /bin/cat " + filepath.Join(dir, "keys"), "AuthorizedKeysCommandUser root",
		"PermitUserEnvironment yes", "TrustedUserCAKeys " + ca + ".pub",
		"Match User daemon\nPubkeyAuthentication no\nPasswordAuthentication yes\nKbdInteractiveAuthentication no",
		"Match User bin\nPubkeyAuthentication no\nKbdInteractiveAuthentication yes",
		"Match User sys\nPasswordAuthentication yes\nAuthenticationMethods publickey,password",
		"Match User games\nMaxSessions 0",
		"Match User mail\nForceCommand internal-sftp",
		"Match User news\nAllowTcpForwarding no",
	}
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{dir: t.TempDir(), keys: map[string]*testpeer.Key{}}
	home := filepath.Join(w.dir, "home")
	for name, text := range map[string]string{"home/.bash_profile": "exit 3\n", "noisy/.bashrc": "echo Welcome to the machine\n"} {
		path := filepath.Join(w.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var lines strings.Builder
	for name, option := range map[string]string{
		"good": "", "command": `command="echo no" `, "from": `from="10.0.0.0/8" `,
		"noise": `environment="HOME=` + filepath.Join(w.dir, "noisy") + `" `, "exits": `environment="HOME=` + home + `" `,
	} {
		w.keys[name] = testpeer.NewKey(t, testpeer.Ed25519)
		lines.WriteString(option + testpeer.Read(t, w.keys[name].Path+".pub"))
	}
	if err := os.WriteFile(filepath.Join(w.dir, "keys"), []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	ca := testpeer.NewKey(t, testpeer.Ed25519)
	for name, args := range map[string][]string{
		"expired": {"-s", ca.Path, "-n", "root", "-V", "20200101:20210101"},
		"early":   {"-s", ca.Path, "-n", "root", "-V", "+1d:+2d"},
		"other":   {"-s", ca.Path, "-n", "somebody"},
		"source":  {"-s", ca.Path, "-n", "root", "-O", "source-address=10.0.0.0/8"},
		"strange": {"-s", w.keys["good"].Path, "-n", "root"},
		"young":   {"-s", w.keys["good"].Path, "-n", "root", "-V", "-1m:+5m"},
		"fine":    {"-s", ca.Path, "-n", "root"},
	} {
		w.keys[name] = testpeer.NewKey(t, testpeer.Ed25519)
		run(t, "ssh-keygen", append(append([]string{"-q", "-I", name}, args...), w.keys[name].Path+".pub")...)
	}
	w.Running = testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{
		HostKeys: []*testpeer.Key{ca}, Authorized: w.keys["good"], Config: wardConfig(w.dir, ca.Path),
	})
	return w
}

func (w *ward) args(key, user string, more ...string) []string {
	list := []string{"-F", "none", "-p", port(w.Port), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=none"}
	if key != "" {
		list = append(list, "-i", w.keys[key].Path)
	}
	return append(append(list, more...), user+"@127.0.0.1")
}

// Logins that fail, or lead nowhere, each for a reason of its own.
func TestDoctorWard(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	for _, c := range []struct {
		cause string
		code  int
		words []string
		args  []string
	}{
		{"", 0, nil, w.args("good", "root")},
		{"", 0, nil, w.args("fine", "root")},
		{"", 0, []string{`begins with something else: "Welcome to the machine"`, "[ -t 1 ] || return"}, w.args("noise", "root")},
		{"forced-command", 10, []string{`It says: "`, "/ no", "grep -n command="}, w.args("command", "root")},
		{"shell-ends", 10, []string{"(exit code 3)", "~/.bash_profile"}, w.args("exits", "root")},
		{"shell-missing", 10, []string{"This account is currently not available", "usermod -s /bin/bash nobody"}, w.args("good", "nobody")},
		{"sftp-only", 10, []string{"sftp -F none -P"}, w.args("good", "mail")},
		{"session-refused", 10, []string{"MaxSessions"}, w.args("good", "games")},
		{"key-refused", 9, []string{"for the user root", "chmod go-w"}, w.args("from", "root")},
		{"key-refused", 9, []string{"locked"}, w.args("good", "sshd")}, // Debian locks it
		{"key-refused", 9, []string{"no such user"}, w.args("good", "nosuchuser")},
		{"password-only", 9, []string{"only: password", "--batch, or no terminal"}, w.args("good", "daemon")},
		{"keyboard-interactive-only", 9, []string{"it asks questions"}, w.args("good", "bin")},
		{"more-than-one", 9, []string{"wants another one (AuthenticationMethods): password"}, w.args("good", "sys")},
		{"certificate", 9, []string{"it has expired: it was valid", "this machine's clock", "ssh-keygen -L -f"}, w.args("expired", "root")},
		{"certificate", 9, []string{"it is not valid yet"}, w.args("early", "root")},
		{"certificate", 9, []string{`it is for ["somebody"], and the login is for "root"`}, w.args("other", "root")},
		{"certificate", 9, []string{"source-address", "this machine's is 127.0.0.1"}, w.args("source", "root")},
		{"certificate-authority", 9, []string{"does not trust its authority", "trustedusercakeys"}, w.args("strange", "root")},
		{"certificate-authority", 9, []string{"the server's clock differs from this one", "date -u"}, w.args("young", "root")},
		{"agent-dead", 9, []string{"does not answer"}, w.args("", "root", "-o", "IdentityFile=none", "-o", "IdentityAgent=/nowhere/agent")},
		{"jump-unreachable", 5, []string{"the jump host does not get to 127.0.0.1 port", "[127.0.0.1] login: root is let in"}, []string{"-F", w.conf(t), "-J", fmt.Sprint("root@127.0.0.1:", w.Port), "-p", port(testpeer.FreePort(t)), "127.0.0.1"}},
		{"jump-forbids", 5, []string{"AllowTcpForwarding"}, []string{"-F", w.conf(t), "-J", fmt.Sprint("news@127.0.0.1:", w.Port), "-p", port(w.Port), "127.0.0.1"}},
		{"password-only", 9, []string{"problem  [127.0.0.1] login"}, []string{"-F", w.conf(t), "-J", fmt.Sprint("daemon@127.0.0.1:", w.Port), "-p", port(w.Port), "127.0.0.1"}},
		{"", 0, []string{"127.0.0.1 reaches 127.0.0.1 port"}, []string{"-F", w.conf(t), "-J", fmt.Sprint("root@127.0.0.1:", w.Port), "-p", port(w.Port), "-o", "HostName=127.0.0.1", "root@target"}},
		{"jump-loop", 5, []string{"jumphost loop"}, []string{"-F", w.conf(t), "-J", fmt.Sprint("root@127.0.0.1:", w.Port), "-p", port(w.Port), "root@127.0.0.1"}},
	} {
		t.Run(c.cause, func(t *testing.T) {
			t.Parallel()
			newPatient(t).finds(t, c.cause, c.code, c.words, c.args...)
		})
	}
}

// conf is a configuration that the hosts in between share.
func (w *ward) conf(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config")
	text := "StrictHostKeyChecking no\nUserKnownHostsFile none\nIdentityFile " + w.keys["good"].Path + "\nIdentitiesOnly yes\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What an agent does to a login.
func TestDoctorAgent(t *testing.T) {
	h := startHost(t)
	socket := h.startAgent(t)
	usual := []string{"-F", "none", "-p", port(h.Port), "-o", "UserKnownHostsFile=" + h.known, "-o", "IdentityFile=none"}
	p := newPatient(t)
	p.env["SSH_AUTH_SOCK"] = socket
	p.finds(t, "", 0, []string{"agent: it has 1 keys", "of the agent (in the agent)"}, append(usual, "127.0.0.1")...)
	p.finds(t, "identities-only", 9, []string{"the agent has 1 keys", "IdentitiesOnly=no"}, append(usual, "-o", "IdentitiesOnly=yes", "127.0.0.1")...)
}

// A server that says or does what OpenSSH's does with PAM.
func TestDoctorEndings(t *testing.T) {
	t.Parallel()
	id := testpeer.NewKey(t, testpeer.Ed25519)
	for _, c := range []struct {
		cause  string
		code   int
		words  []string
		banner string
		in     bool // the login works
		serve  func(nc net.Conn, channels <-chan ssh.NewChannel)
	}{
		{"account", 9, []string{"the server says that the account has expired", "chage -l"}, "Your account has expired; please contact your system administrator.\n", false, nil},
		{"ended-after-key", 9, []string{"took the key and then ended the connection"}, "", false, nil},
		{"ended-after-login", 10, []string{"the server ends the connection at once"}, "", true, func(nc net.Conn, _ <-chan ssh.NewChannel) { nc.Close() }},
		{"exec-refused", 10, []string{"refuses to run anything"}, "", true, func(_ net.Conn, channels <-chan ssh.NewChannel) {
			for c := range channels {
				if _, requests, err := c.Accept(); err == nil {
					go ssh.DiscardRequests(requests)
				}
			}
		}},
	} {
		t.Run(c.cause, func(t *testing.T) {
			n := accepts(t, func(nc net.Conn) {
				conf := &ssh.ServerConfig{
					BannerCallback: func(ssh.ConnMetadata) string { return c.banner },
					PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
						if !c.in {
							nc.Close()
						}
						return nil, nil
					},
				}
				conf.AddHostKey(id.Signer)
				_, channels, requests, err := ssh.NewServerConn(nc, conf)
				if err == nil {
					go ssh.DiscardRequests(requests)
					c.serve(nc, channels)
				}
			})
			newPatient(t).finds(t, c.cause, c.code, c.words, "-F", "none", "-p", port(n), "-i", id.Path, "-o", "IdentityAgent=none",
				"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=none", "127.0.0.1")
		})
	}
}
