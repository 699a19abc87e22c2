package applet

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// What the DNS says of a host's key counts as it does for OpenSSH, with a name
// server that checks DNSSEC (unbound) and a zone that is signed (ldns).
func TestHostKeysByDNS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	prepareDNS(t, dir)
	nacre, err := exec.LookPath("nacre")
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs("testdata/dns/try.sh")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--mount", "--net", "--pid", "--fork", "--kill-child"}
	if os.Geteuid() != 0 {
		args = append(args, "--map-root-user")
	}
	cmd := exec.Command("unshare", append(args, "sh", script, nacre)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "HOME="+dir, "XDG_CACHE_HOME="+dir, "SSH_AUTH_SOCK=", "LD_PRELOAD=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	const in, unknown = "code 0", "code 255"
	for _, c := range []struct {
		name  string
		lines []string // that both clients say
	}{
		{"secure", []string{"found 1 secure fingerprints in DNS", "matching host key fingerprint found in DNS", in}},
		{"sha1", []string{"found 1 secure fingerprints in DNS", "matching host key fingerprint found in DNS", in}},
		{"alias", []string{"found 1 secure fingerprints in DNS", in}},
		{"doubting", []string{"found 1 insecure fingerprints in DNS", "debug1: matching host key fingerprint found in DNS", unknown}},
		{"insecure", []string{"found 1 insecure fingerprints in DNS", "debug1: matching host key fingerprint found in DNS", unknown}},
		{"asking", []string{"found 1 secure fingerprints in DNS", "debug1: matching host key fingerprint found in DNS", unknown}},
		{"off", []string{unknown}},
		{"other", []string{"mismatching host key fingerprint found in DNS", "REMOTE HOST IDENTIFICATION HAS CHANGED",
			"Update the SSHFP RR in DNS with the new host key to get rid of this message.", unknown}},
		{"half", []string{"found 2 secure fingerprints in DNS", "mismatching host key fingerprint found in DNS", unknown}},
		{"none", []string{"no host key fingerprint found in DNS", unknown}},
		{"numeric", []string{"skipped DNS lookup for numerical hostname", unknown}},
	} {
		for _, client := range []string{"nacre", "openssh"} {
			out := testpeer.Read(t, filepath.Join(dir, "out."+client+"."+c.name))
			for _, line := range c.lines {
				if c.name == "none" && client == "openssh" && strings.HasPrefix(line, "no host") {
					line = "DNS lookup error" // its resolver takes an empty answer for one
				}
				if !strings.Contains(out, line) {
					t.Errorf("%s, %s: no %q in\n%s", client, c.name, line, out)
				}
			}
		}
	}
	if out := testpeer.Read(t, filepath.Join(dir, "out.full")); !strings.Contains(out, "no space left on device\n") || !strings.Contains(out, "in\n") ||
		!strings.HasSuffix(out, "whole\n") || strings.Contains(out, "Permanently") {
		t.Errorf("on a full disk:\n%s", out)
	}
	for host, line := range map[string]string{
		"host":  "\nMatching host key fingerprint found in DNS.\nThis key is not known",
		"other": "\nNo matching host key fingerprint found in DNS.\n",
		"none":  "\nNo matching host key fingerprint found in DNS.\n",
	} {
		if out := testpeer.Read(t, filepath.Join(dir, "out.person."+host)); !strings.Contains(out, line) {
			t.Errorf("the question about %s says\n%s", host, out)
		}
	}
}

// prepareDNS writes a signed and an unsigned zone, their servers' configuration,
// and a host that they are about.
func prepareDNS(t *testing.T, dir string) {
	t.Helper()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		cmd := exec.Command(name, args...)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return strings.TrimSpace(string(out))
	}
	run(realProgram("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", "hostkey")
	run(realProgram("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", "id")
	write("authorized", testpeer.Read(t, filepath.Join(dir, "id.pub")))
	write("sshd_config", fmt.Sprintf("ListenAddress 127.0.0.1\nPort 2222\nHostKey %[1]s/hostkey\nAuthorizedKeysFile %[1]s/authorized\nStrictModes no\nPermitRootLogin yes\nPidFile none\nAllowUsers %[2]s\n", dir, testpeer.Me(t)))
	record := func(hash string) string { // of our keygen
		out := run("nacre", "ssh-keygen", "-r", "x", "-f", "hostkey.pub", "-O", "hashalg="+hash)
		return strings.TrimPrefix(out, "x ")
	}
	good, sha1, bad := record("sha256"), record("sha1"), "IN SSHFP 4 2 "+strings.Repeat("00", 32)
	zone := func(name string) {
		write(name, strings.Join([]string{
			"$ORIGIN " + name + ".", "$TTL 60", "@ IN SOA ns hostmaster 1 3600 600 86400 60", "@ IN NS ns", "ns IN A 127.0.0.1",
			"host IN A 127.0.0.1", "host " + good, "sha1 IN A 127.0.0.1", "sha1 " + sha1, "alias IN CNAME host",
			"other IN A 127.0.0.1", "other " + bad, "half IN A 127.0.0.1", "half " + sha1, "half " + bad, "none IN A 127.0.0.1", "",
		}, "\n"))
	}
	zone("signed.test")
	zone("unsigned.test")
	signer := run("ldns-keygen", "-a", "ED25519", "-k", "signed.test")
	run("ldns-signzone", "-e", "20400101000000", "-f", "signed.zone", "signed.test", signer)
	write("unbound.conf", fmt.Sprintf(`server:
	directory: "%[1]s"
	chroot: ""
	username: ""
	pidfile: ""
	interface: 127.0.0.1
	do-daemonize: yes
	use-syslog: no
	logfile: "%[1]s/unbound.log"
	module-config: "validator iterator"
	trust-anchor-file: "%[1]s/%[2]s.ds"
	domain-insecure: "unsigned.test"
	local-zone: "test." nodefault
	do-not-query-localhost: no
auth-zone:
	name: "signed.test"
	zonefile: "%[1]s/signed.zone"
	for-downstream: no
	for-upstream: yes
auth-zone:
	name: "unsigned.test"
	zonefile: "%[1]s/unsigned.test"
	for-downstream: no
	for-upstream: yes
remote-control:
	control-enable: no
`, dir, signer))
	write("refuse", "#!/bin/sh\necho \"$1\" >\"$ASKED\"\necho no\n")
	if err := os.Chmod(filepath.Join(dir, "refuse"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("trusting", "nameserver 127.0.0.1\noptions edns0 trust-ad\n")
	write("doubting", "nameserver 127.0.0.1\noptions edns0\n")
	for _, name := range []string{"trusting", "doubting"} {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
