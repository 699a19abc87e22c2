package applet

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// Certificates that each program issued are accepted by the other's server and
// client, of users and of hosts alike: no key is known to anybody.
func TestCertificatesBothWays(t *testing.T) {
	p := newPKI(t)
	p.write(t, "known", "@cert-authority 127.0.0.1,[127.0.0.1]:* "+testpeer.Read(t, p.path("hca.pub")))
	for _, issuer := range []string{"openssh", "nacre"} {
		for _, typ := range []string{"ed25519", "rsa", "p256"} {
			p.certify(t, issuer, typ, "user-"+issuer+"-"+typ, "-s", "uca", "-I", "of "+typ, "-n", "x,"+p.me, "-z", "7")
			p.certify(t, issuer, typ, "host-"+issuer+"-"+typ, "-s", "hca", "-h", "-I", "host", "-n", "127.0.0.1")
		}
	}
	for _, server := range []string{"openssh", "nacre"} {
		issuer := map[string]string{"openssh": "nacre", "nacre": "openssh"}[server]
		lines := []string{"TrustedUserCAKeys " + p.path("uca.pub"), "AuthorizedKeysFile none"}
		for _, typ := range []string{"ed25519", "rsa", "p256"} {
			lines = append(lines, "HostKey "+p.path("host-"+issuer+"-"+typ), "HostCertificate "+p.path("host-"+issuer+"-"+typ+"-cert.pub"))
		}
		port, log := p.serve(t, server, lines...)
		var all crowd
		for _, client := range []string{"openssh", "nacre"} {
			for _, issuer := range []string{"openssh", "nacre"} {
				for typ, host := range map[string]string{"ed25519": "rsa-sha2-512", "rsa": "ecdsa-sha2-nistp256", "p256": "ssh-ed25519"} {
					options := []string{"UserKnownHostsFile=" + p.path("known"), "HostKeyAlgorithms=" + host + "-cert-v01@openssh.com"}
					all.Go(func() {
						out, ok := p.login(t, client, port, "user-"+issuer+"-"+typ, options, "echo", "in")
						if !ok || !strings.Contains(out, "in\n") {
							t.Errorf("%s's client at %s's server with a %s certificate by %s: %s", client, server, typ, issuer, out)
						}
					})
				}
			}
		}
		all.Wait()
		if server == "nacre" && !strings.Contains(log.String(), "ED25519-CERT SHA256:") || !strings.Contains(log.String(), " ID of ed25519 (serial 7) CA ED25519 SHA256:") {
			t.Error("the log doesn't name the certificate")
		}
	}
}

// What makes a user's certificate useless does so at our server as at
// OpenSSH's.
func TestUserCertificatesRefused(t *testing.T) {
	t.Parallel()
	p := newPKI(t)
	host := p.path("p256")
	p.write(t, "known", "[127.0.0.1]:* "+testpeer.Read(t, host+".pub"))
	p.write(t, "principals", "# names\nother\nfrom=\"192.0.2.1\" far\nno-pty role\ncommand=\"echo forced by the file\" forced\n")
	p.write(t, "authorized", fmt.Sprintf("cert-authority,principals=\"deputy,vice\" %scert-authority,command=\"echo by the line\" %s%s",
		testpeer.Read(t, p.path("other.pub")), testpeer.Read(t, p.path("rca.pub")), testpeer.Read(t, p.path("p384.pub"))))
	by := func(ca string, args ...string) []string { return append([]string{"-s", ca, "-I", "id"}, args...) }
	mine := []string{"-n", p.me}
	type attempt struct {
		name string
		sign []string
		want string // what is printed; "" for nobody let in
	}
	attempts := map[string][]attempt{
		"authority": {
			{"good", by("uca", mine...), "in"},
			{"two principals", by("uca", "-n", "x,"+p.me), "in"},
			{"other principal", by("uca", "-n", "x"), ""},
			{"wildcard", by("uca", "-n", "*"), ""},
			{"other authority", by("p521", mine...), ""},
			{"expired", by("uca", append(mine, "-V", "20200101:20210101")...), ""},
			{"not yet", by("uca", append(mine, "-V", "20380101:forever")...), ""},
			{"for a host", by("uca", append(mine, "-h")...), ""},
			{"critical", by("uca", append(mine, "-O", "critical:x@y=z")...), ""},
			{"extension", by("uca", append(mine, "-O", "extension:x@y=z")...), "in"},
			{"source", by("uca", append(mine, "-O", "source-address=127.0.0.0/8,::1")...), "in"},
			{"other source", by("uca", append(mine, "-O", "source-address=192.0.2.0/24")...), ""},
			{"forced", by("uca", append(mine, "-O", "force-command=echo forced")...), "forced"},
			{"revoked serial", by("uca", append(mine, "-z", "666")...), ""},
			{"revoked id", by("uca", append(mine, "-I", "bad id")...), ""},
			{"deputy", by("other", "-n", "deputy"), "in"},
			{"line's principals", by("other", mine...), ""},
			{"line's command", by("rca", mine...), "by the line"},
			{"same command", by("rca", append(mine, "-O", "force-command=echo by the line")...), "by the line"},
			{"two commands", by("rca", append(mine, "-O", "force-command=echo other")...), ""},
		},
		"principals": {
			{"listed", by("uca", "-n", "x,other"), "in"},
			{"the name", by("uca", mine...), ""},
			{"far", by("uca", "-n", "far"), ""},
			{"file's command", by("uca", "-n", "forced"), "forced by the file"},
			{"file's command and another", by("uca", "-n", "forced", "-O", "force-command=echo x"), ""},
		},
		"algorithms": {
			{"ed25519", by("uca", mine...), ""},
			{"sha-512", by("rca", mine...), "in"},
			{"sha-256", by("rca", append(mine, "-t", "rsa-sha2-256")...), ""},
		},
		"keys": {
			{"no certificates", by("uca", mine...), ""},
		},
	}
	lines := map[string][]string{
		"authority":  {"TrustedUserCAKeys " + p.path("uca.pub"), "AuthorizedKeysFile " + p.path("authorized"), "RevokedKeys " + p.path("krl")},
		"principals": {"TrustedUserCAKeys " + p.path("uca.pub"), "AuthorizedKeysFile none", "AuthorizedPrincipalsFile " + p.path("principals")},
		"algorithms": {"TrustedUserCAKeys " + p.path("cas"), "AuthorizedKeysFile none", "CASignatureAlgorithms rsa-sha2-512"},
		"keys":       {"TrustedUserCAKeys " + p.path("uca.pub"), "AuthorizedKeysFile none", "PubkeyAcceptedAlgorithms ssh-ed25519"},
	}
	p.write(t, "cas", "# both\n"+testpeer.Read(t, p.path("uca.pub"))+testpeer.Read(t, p.path("rca.pub")))
	p.write(t, "spec", "serial: 600-700\nid: bad id\n")
	p.run(t, "nacre", "ssh-keygen", "-q", "-k", "-f", "krl", "-s", "uca.pub", "spec")
	for site, list := range attempts {
		for i, a := range list {
			p.certify(t, "openssh", "ed25519", fmt.Sprintf("%s%d", site, i), a.sign...)
		}
		for _, server := range []string{"openssh", "nacre"} {
			port, _ := p.serve(t, server, append(lines[site], "HostKey "+host)...)
			client := map[string]string{"openssh": "nacre", "nacre": "openssh"}[server]
			var all crowd
			for i, a := range list {
				name := fmt.Sprintf("%s%d", site, i)
				all.Go(func() {
					out, ok := p.login(t, client, port, name, []string{"UserKnownHostsFile=" + p.path("known")}, "echo", "in")
					if ok != (a.want != "") || !strings.Contains(out, a.want) || a.want != "in" && strings.Contains(out, "in\n") {
						t.Errorf("%s, %s at %s's server: got %q, want %q", site, a.name, server, out, a.want)
					}
				})
			}
			all.Wait()
		}
	}
}

// A session has what the certificate's extensions permit, and no more.
func TestCertificateRestrictions(t *testing.T) {
	p := newPKI(t)
	p.write(t, "known", "[127.0.0.1]:* "+testpeer.Read(t, p.path("p256.pub")))
	p.certify(t, "openssh", "ed25519", "all", "-s", "uca", "-I", "all", "-n", p.me)
	p.certify(t, "nacre", "ed25519", "bare", "-s", "uca", "-I", "bare", "-n", p.me, "-O", "clear")
	port, _ := p.serve(t, "nacre", "TrustedUserCAKeys "+p.path("uca.pub"), "AuthorizedKeysFile none", "HostKey "+p.path("p256"))
	known := "UserKnownHostsFile=" + p.path("known")
	forward := "RemoteForward=127.0.0.1:" + strconv.Itoa(testpeer.FreePort(t)) + " 127.0.0.1:1"
	for identity, permitted := range map[string]bool{"all": true, "bare": false} {
		out, _ := p.login(t, "openssh", port, identity, []string{known, "RequestTTY=force"}, "tty")
		if strings.Contains(out, "PTY allocation request failed") == permitted {
			t.Errorf("%s: a terminal: %s", identity, out)
		}
		if out, ok := p.login(t, "openssh", port, identity, []string{known, "ExitOnForwardFailure=yes", forward}, "true"); ok && !permitted {
			t.Errorf("%s: a forward: %s", identity, out)
		}
	}
}

// What makes a host's certificate useless does so for our client as for
// OpenSSH's.
func TestHostCertificatesRefused(t *testing.T) {
	p := newPKI(t)
	p.write(t, "authorized", testpeer.Read(t, p.path("p384.pub")))
	p.certify(t, "nacre", "ed25519", "good", "-s", "hca", "-h", "-I", "host", "-n", "h,127.0.0.?", "-z", "5")
	p.certify(t, "nacre", "p256", "expired", "-s", "hca", "-h", "-I", "host", "-n", "127.0.0.1", "-V", "20200101:20210101")
	p.certify(t, "nacre", "p521", "misnamed", "-s", "hca", "-h", "-I", "host", "-n", "192.0.2.1")
	p.certify(t, "nacre", "rsa", "critical", "-s", "hca", "-h", "-I", "host", "-n", "127.0.0.1", "-O", "critical:x@y=z")
	var lines []string
	for _, name := range []string{"good", "expired", "misnamed", "critical"} {
		lines = append(lines, "HostKey "+p.path(name), "HostCertificate "+p.path(name+"-cert.pub"))
	}
	port, _ := p.serve(t, "nacre", append(lines, "AuthorizedKeysFile "+p.path("authorized"))...)
	authority := func(marker, names, ca string) string {
		return marker + " " + names + " " + testpeer.Read(t, p.path(ca+".pub"))
	}
	trusted := authority("@cert-authority", "[127.0.0.1]:"+port, "hca")
	p.write(t, "spec", "serial: 5\n")
	p.run(t, "openssh", "ssh-keygen", "-q", "-k", "-f", "krl", "-s", "hca.pub", "spec")
	tests := []struct {
		name, known, algorithm string
		options                []string
		ok, onlyOurs           bool // onlyOurs: later OpenSSH does as we do
	}{
		{"good", trusted, "ssh-ed25519", []string{"HostKeyAlias=h"}, true, true},
		{"wildcard principal", trusted, "ssh-ed25519", nil, true, true},
		{"expired", trusted, "ecdsa-sha2-nistp256", nil, false, false},
		{"other name", trusted, "ecdsa-sha2-nistp521", nil, false, false},
		{"critical option", trusted, "rsa-sha2-512", nil, false, false},
		{"other authority", authority("@cert-authority", "*", "uca"), "ssh-ed25519", nil, false, false},
		{"for other hosts", authority("@cert-authority", "h", "hca"), "ssh-ed25519", nil, false, false},
		{"authority as a key", "[127.0.0.1]:" + port + " " + testpeer.Read(t, p.path("hca.pub")), "ssh-ed25519", nil, false, false},
		{"revoked authority", trusted + authority("@revoked", "*", "hca"), "ssh-ed25519", nil, false, false},
		{"revoked key", trusted + authority("@revoked", "*", "ed25519"), "ssh-ed25519", nil, false, false},
		{"revoked by file", trusted, "ssh-ed25519", []string{"RevokedHostKeys=" + p.path("krl")}, false, false},
		{"file that isn't there", trusted, "ssh-ed25519", []string{"RevokedHostKeys=" + p.path("nope")}, false, false},
		{"signature algorithm", trusted, "ssh-ed25519", []string{"CASignatureAlgorithms=ssh-ed25519"}, false, false},
		{"key known", "[127.0.0.1]:" + port + " " + testpeer.Read(t, p.path("ed25519.pub")), "ssh-ed25519", nil, true, false},
	}
	var all crowd
	for i, test := range tests {
		if test.name == "good" {
			test.known = authority("@cert-authority", "h", "hca")
		}
		known := p.write(t, "known"+strconv.Itoa(i), test.known)
		options := append([]string{"UserKnownHostsFile=" + known, "HostKeyAlgorithms=" + test.algorithm + "-cert-v01@openssh.com"}, test.options...)
		for _, client := range []string{"openssh", "nacre"} {
			if client == "openssh" && test.onlyOurs {
				continue
			}
			all.Go(func() {
				out, ok := p.login(t, client, port, "p384", options, "echo", "in")
				if ok != test.ok {
					t.Errorf("%s: %s's client: %s", test.name, client, out)
				}
			})
		}
	}
	all.Wait()
}

// A user's certificate is found beside the key, by CertificateFile, and in the
// agent; a key without one still works.
func TestWhereCertificatesAre(t *testing.T) {
	p := newPKI(t)
	p.write(t, "known", "[127.0.0.1]:* "+testpeer.Read(t, p.path("p256.pub")))
	p.certify(t, "nacre", "ed25519", "beside", "-s", "uca", "-I", "beside", "-n", p.me)
	p.certify(t, "nacre", "rsa", "apart", "-s", "uca", "-I", "apart", "-n", p.me)
	if err := os.Rename(p.path("apart-cert.pub"), p.path("elsewhere.pub")); err != nil {
		t.Fatal(err)
	}
	p.certify(t, "nacre", "p521", "held", "-s", "uca", "-I", "held", "-n", p.me)
	t.Chdir(p.dir)
	socket := testpeer.SSHAgent(t, "held", "apart")
	for _, name := range []string{"held", "held-cert.pub"} {
		if err := os.Remove(p.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	port, log := p.serve(t, "nacre", "TrustedUserCAKeys "+p.path("uca.pub"), "AuthorizedKeysFile none", "HostKey "+p.path("p256"))
	known := "UserKnownHostsFile=" + p.path("known")
	for _, test := range []struct {
		id       string
		identity string
		options  []string
		ok       bool
	}{
		{"beside", "beside", nil, true},
		{"apart", "apart", []string{"CertificateFile=" + p.path("elsewhere.pub")}, true},
		{"apart", "apart.pub", []string{"CertificateFile=" + p.path("elsewhere.pub"), "IdentityAgent=" + socket}, true},
		{"held", "nope", []string{"IdentitiesOnly=no", "IdentityAgent=" + socket}, true},
		{"", "apart", nil, false},
	} {
		before := len(log.String())
		// The first value counts, so that the test's options go before login's.
		out, ok := p.loginWith(t, port, test.identity, append(test.options, known))
		if ok != test.ok || ok && !strings.Contains(log.String()[before:], " ID "+test.id+" (serial") {
			t.Errorf("%s: %v %s", test.identity, ok, out)
		}
	}
}

func (p *pki) loginWith(t *testing.T, port, identity string, options []string) (string, bool) {
	t.Helper()
	var args []string
	for _, o := range options {
		args = append(args, "-o", o)
	}
	args = append(args, "-F", "none", "-p", port, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-o", "GlobalKnownHostsFile=none", "-i", identity, "-l", p.me, "127.0.0.1", "true")
	cmd := p.command("nacre", "ssh", args...)
	stop := context.AfterFunc(t.Context(), func() { cmd.Process.Kill() })
	defer stop()
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}
