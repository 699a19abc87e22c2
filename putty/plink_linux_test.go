package putty

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// plink logs in to nowhere: what it says about the host key is what counts.
func plink(t *testing.T, f *Files, port int, host string) (out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "plink", "-batch", "-P", strconv.Itoa(port), "-l", "nobody", "-noagent", host, "true")
	cmd.Env = append(os.Environ(), "PUTTYDIR="+f.Dir)
	text, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatal("plink logged in without a key")
	}
	return string(text)
}

const notKnown = "not cached"

func serve(t *testing.T, k *testpeer.Key, config ...string) *testpeer.Running {
	t.Helper()
	return testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{HostKeys: []*testpeer.Key{k}, Authorized: k, Config: config})
}

func publicOf(t *testing.T, path string) key.Public {
	t.Helper()
	text, err := os.ReadFile(path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	line, err := keyfile.ParseAuthorizedKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return line.Key
}

// TestPlinkAndWeShareHostKeys reads what plink, asked, stores, writes it again
// ourselves, and writes a wrong one.
func TestPlinkAndWeShareHostKeys(t *testing.T) {
	for _, typ := range testpeer.KeyTypes() {
		peer := testpeer.NewKey(t, typ)
		server := serve(t, peer)
		f := &Files{Dir: filepath.Join(t.TempDir(), "putty")}
		cmd := exec.CommandContext(t.Context(), "plink", "-P", strconv.Itoa(server.Port), "-l", "nobody", "-noagent", "127.0.0.1", "true")
		cmd.Env = append(os.Environ(), "PUTTYDIR="+f.Dir)
		cmd.Stdin = strings.NewReader("y\n")
		out, _ := cmd.CombinedOutput() // the login fails
		k := publicOf(t, peer.Path)
		if state, err := CheckHost(f, "127.0.0.1", server.Port, k); state != HostKnown || err != nil {
			t.Errorf("%s: %v %v\n%s", typ, state, err, out)
		}
		all, err := f.HostKeys()
		if err != nil || len(all) != 1 {
			t.Fatal(all, err)
		}
		if back, err := all[0].Key(); err != nil || !key.Equal(back, k) {
			t.Errorf("%+v: %v", all[0], err)
		}
		h, err := NewHostKey("127.0.0.1", server.Port, k)
		if err != nil || h != all[0] {
			t.Fatalf("%+v, not %+v: %v", h, all[0], err)
		}
		if err := os.Remove(f.hostKeys()); err != nil {
			t.Fatal(err)
		}
		if err := f.PutHostKeys(h); err != nil {
			t.Fatal(err)
		}
		if out := plink(t, f, server.Port, "127.0.0.1"); strings.Contains(out, "host key") || strings.Contains(out, "WARNING") {
			t.Errorf("%s: %s", typ, out)
		}
		h.Data = strings.Replace(h.Data, ",0x", ",0x1", 1)
		if err := f.PutHostKeys(h); err != nil {
			t.Fatal(err)
		}
		if out := plink(t, f, server.Port, "127.0.0.1"); !strings.Contains(out, "does not match") {
			t.Errorf("%s: %s", typ, out)
		}
	}
}

// TestPlinkAndWeAgreeAboutAuthorities replays expressions with plink against a
// server that has a certificate, and asks ours the same.
func TestPlinkAndWeAgreeAboutAuthorities(t *testing.T) {
	peer, ca := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.RSA)
	if out, err := exec.Command("ssh-keygen", "-q", "-s", ca.Path, "-h", "-I", "x", "-n", "localhost", peer.Path+".pub").CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	server := serve(t, peer, "HostCertificate "+peer.Path+"-cert.pub")
	port := strconv.Itoa(server.Port)
	f := &Files{Dir: filepath.Join(t.TempDir(), "putty")}
	for _, text := range []string{
		"localhost && !port:23", "*.foo || (localhost && port:1-65535)", "*", "loc[a-m]lhost", "localhost && port:" + port, "!(a || b)", "!!localhost",
		"loc*h?st || x", "LOCALHOST", "localhost && !port:" + port, "a || localhost && c", "loc[^x-z]lhost", "user:bob", "", "localhost/8", "x localhost",
		"(localhost", "localhost && port:70000-1", "[l]ocalhost", "loc[o-z]lhost || !localhost", "port:1-65535",
	} {
		c := HostCA{Name: "CA", Key: publicOf(t, ca.Path), Validity: text, SHA256: true, SHA512: true}
		if err := SaveHostCA(f, c); err != nil {
			// Ours refuses to write it: write it all the same.
			if err := saveUnchecked(f, c); err != nil {
				t.Fatal(err)
			}
		}
		out := plink(t, f, server.Port, "localhost")
		theirs := !strings.Contains(out, notKnown)
		if ours := c.Speaks("localhost", server.Port); ours != theirs {
			t.Errorf("%q: ours %v, plink's %v\n%s", text, ours, theirs, out)
		}
	}
	// An RSA authority whose signatures are not taken.
	c := HostCA{Name: "CA", Key: publicOf(t, ca.Path), Validity: "*"}
	if err := SaveHostCA(f, c); err != nil {
		t.Fatal(err)
	}
	if out := plink(t, f, server.Port, "localhost"); !strings.Contains(out, "BREACH") || c.Takes(key.AlgRSASHA512) {
		t.Error(out)
	}
}

func saveUnchecked(f *Files, c HostCA) error {
	good := c
	good.Validity = "x"
	if err := SaveHostCA(f, good); err != nil {
		return err
	}
	r, err := f.Load(HostCAs, c.Name)
	if err != nil {
		return err
	}
	r.Set("Validity", escapeValue(c.Validity))
	return f.Save(HostCAs, c.Name, r)
}

var affine = regexp.MustCompile(`(?m)^(?:public_affine_|pub-)([xy])=(0x[0-9a-f]+)$`)

// TestCacheLikePuttygen compares the coordinates with puttygen's, for Ed448 too,
// which OpenSSH's server doesn't have.
func TestCacheLikePuttygen(t *testing.T) {
	for _, typ := range []string{"ed25519", "ed448", "ecdsa"} {
		path := filepath.Join(t.TempDir(), "k")
		if out, err := exec.Command("puttygen", "-q", "-t", typ, "-o", path, "--new-passphrase", "/dev/null").CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		dump, err := exec.Command("puttygen", path, "--dump").Output()
		if err != nil {
			t.Fatal(err)
		}
		public, err := exec.Command("puttygen", path, "-O", "public-openssh").Output()
		if err != nil {
			t.Fatal(err)
		}
		line, err := keyfile.ParseAuthorizedKey(public)
		if err != nil {
			t.Fatal(err)
		}
		h, err := NewHostKey("h", 22, line.Key)
		if err != nil {
			t.Fatal(err)
		}
		found := affine.FindAllSubmatch(dump, -1)
		if len(found) != 2 || !strings.HasSuffix(h.Data, string(found[0][2])+","+string(found[1][2])) {
			t.Errorf("%s: %s is not in\n%s", typ, h.Data, dump)
		}
		if back, err := h.Key(); err != nil || !key.Equal(back, line.Key) {
			t.Errorf("%s: %v", typ, err)
		}
	}
}
