package applet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// What -v tells has the words that scripts look for in OpenSSH's, in the same
// order, and says it in few lines.
func TestVerboseSentences(t *testing.T) {
	t.Parallel()
	h := startHost(t)
	stranger := testpeer.NewKey(t, testpeer.Ed25519)
	fingerprint, refused := regexp.QuoteMeta(h.Identity.Fingerprint()), regexp.QuoteMeta(stranger.Fingerprint())
	host := regexp.QuoteMeta(fmt.Sprintf("[127.0.0.1]:%d", h.Port))
	reach := []string{
		fmt.Sprintf(`debug1: Connecting to 127.0.0.1 \[127.0.0.1\] port %d\.`, h.Port), `debug1: Connection established\.`,
		`debug1: Local version string SSH-2.0-`,
	}
	keys := []string{
		`debug1: Remote protocol version 2\.0, remote software version OpenSSH_`,
		`debug1: kex: algorithm: (curve|sntrup|mlkem)`, `debug1: kex: host key algorithm: ssh-ed25519`,
		`debug1: kex: server->client cipher: \S+ MAC: \S+ compression: none`, `debug1: kex: client->server cipher: \S+ MAC: \S+ compression: none`,
		`debug1: Server host key: ssh-ed25519 ` + regexp.QuoteMeta(h.HostKeys[0].Fingerprint()),
	}
	known := []string{fmt.Sprintf(`debug1: Host '%s' is known and matches the ED25519 host key\.`, host), `debug1: Found key in .*known_hosts:1`}
	offer := []string{`debug1: Next authentication method: publickey`, `debug1: Offering public key: \S+ ED25519 ` + fingerprint, `debug1: Server accepts key: \S+ ED25519 ` + fingerprint}
	in := []string{fmt.Sprintf(`Authenticated to 127\.0\.0\.1 \(%s\) using "publickey"\.`, host)}
	session := []string{`debug1: channel \d: new session \[client-session\]`, `debug1: Entering interactive session\.`, `debug1: Sending command: true`}
	end := []string{`Transferred: sent \d+, received \d+ bytes, in \d+\.\d seconds`, `Bytes per second: sent [\d.]+, received [\d.]+`, `debug1: Exit status 0`}
	identity := []string{`debug1: identity file \S*id type 3`}
	for _, c := range []struct {
		name string
		args []string
		want [][]string
	}{
		{"a key", []string{"-i", h.Identity.Path}, [][]string{reach, keys, known, offer, in, session, end}},
		{"which files", []string{"-i", h.Identity.Path}, [][]string{identity}},
		{"an unknown host", []string{"-i", h.Identity.Path, "-o", "UserKnownHostsFile=NEW", "-o", "StrictHostKeyChecking=accept-new"},
			[][]string{reach, keys, {`Warning: Permanently added '` + host + `' \(ED25519\) to the list of known hosts\.`}, offer, in, session, end}},
		{"a refused key", []string{"-i", stranger.Path}, [][]string{reach, keys, known, {`debug1: Next authentication method: publickey`,
			`debug1: Offering public key: \S+ ED25519 ` + refused, `debug1: Authentications that can continue: publickey`, `\S+@127\.0\.0\.1: Permission denied \(publickey`}}},
		{"a forward", []string{"-i", h.Identity.Path, "-L", fmt.Sprint(testpeer.FreePort(t), ":localhost:1"), "-o", "AddressFamily=inet"}, [][]string{reach, keys, known, offer, in, {
			`debug1: Local connections to LOCALHOST:\d+ forwarded to remote address localhost:1`, `debug1: Local forwarding listening on 127\.0\.0\.1 port \d+\.`}, session, end}},
		{"through another", []string{"-i", h.Identity.Path, "-J", "hop"},
			[][]string{keys, known, offer, {`Authenticated to 127\.0\.0\.1 \(via proxy\) using "publickey"\.`}, session, end}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, client := range []string{"ssh", realProgram("ssh")} {
				checkOrder(t, client, h.verbose(t, client, c.args), c.want)
			}
		})
	}
}

// verbose runs ssh -v and returns what it said.
func (h *host) verbose(t *testing.T, client string, args []string) string {
	t.Helper()
	dir := t.TempDir()
	conf := filepath.Join(dir, "config") // a hop reads it, too
	lines := fmt.Sprintf("Port %d\nUser %s\nUserKnownHostsFile %s\nGlobalKnownHostsFile none\nIdentitiesOnly yes\nBatchMode yes\nHost hop\nHostName 127.0.0.1\nIdentityFile %s\n",
		h.Port, h.User, h.known, h.Identity.Path)
	if err := os.WriteFile(conf, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	all := []string{"-v", "-F", conf}
	for _, arg := range args {
		all = append(all, strings.ReplaceAll(arg, "NEW", filepath.Join(dir, "new")))
	}
	cmd := exec.Command(client, append(all, "127.0.0.1", "true")...)
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir, "SSH_AUTH_SOCK=")
	out, _ := cmd.CombinedOutput() // how it ends is among what it says
	return strings.ReplaceAll(string(out), "\r", "")
}

// checkOrder holds lines against patterns, each of which must match a line
// behind the one that the pattern before it matched.
func checkOrder(t *testing.T, client, out string, want [][]string) {
	t.Helper()
	rest := out
	for _, list := range want {
		for _, pattern := range list {
			at := regexp.MustCompile(`(?m)^` + pattern).FindStringIndex(rest)
			if at == nil {
				t.Errorf("%s: no %q at its place in\n%s", client, pattern, out)
				return
			}
			rest = rest[at[1]:]
		}
	}
	if n := strings.Count(out, "\n"); client == "ssh" && n > 40 && !strings.Contains(out, "Jumping") {
		t.Errorf("%d lines are too many to follow:\n%s", n, out)
	}
}
