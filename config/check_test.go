package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func check(t *testing.T, text, host string) *Report {
	t.Helper()
	r, err := CheckClient(clientQuery(t, text, host))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return r
}

// TestCheckUnreachable: lines that never take effect, and lines that only look
// so.
func TestCheckUnreachable(t *testing.T) {
	for _, test := range []struct {
		text string
		dead []int // lines
	}{
		{"Host *\nUser a\nHost b\nUser b\n", []int{4}},
		{"User a\nHost b\nUser b\n", []int{3}},
		{"Match all\nUser a\nHost b\nUser b\nMatch host c\nUser c\n", []int{4, 6}},
		{"Host a\nUser a\nUser b\n", []int{3}},
		{"Host *.net\nUser a\nHost x.net y.net\nUser b\nHost x.net y.org\nUser c\n", []int{4}},
		{"Host *.net\nUser a\nHost *.a.net\nUser b\nHost ?.net\nUser c\n", []int{4, 6}},
		{"Host ?\nUser a\nHost *\nUser b\nHost x\nUser c\n", []int{6}},
		{"Host * !b\nUser a\nHost b\nUser b\nHost * !b\nUser c\n", []int{6}},
		{"Host a\nUser a\nHost *\nUser b\n", nil},
		{"Host *\nIdentityFile /a\nSendEnv A\nLocalForward 1 h:2\nHost b\nIdentityFile /b\nSendEnv B\nLocalForward 2 h:2\n", nil},
		{"Host *\nProxyJump a\nHost b\nProxyCommand b\n", []int{4}},
		{"Host *\nProxyJump none\nHost b\nProxyCommand b\n", nil},
		{"Match user a\nPort 1\nMatch user a\nPort 2\n", nil}, // User may be set between
		{"Match originalhost a\nPort 1\nMatch originalhost a\nPort 2\n", []int{4}},
		{"Match final\nPort 1\nHost a\nPort 2\n", nil},
		{"Host *\nPort 1\nMatch final host x\nPort 2\n", []int{4}},
		{"Host *\nChallengeResponseAuthentication no\nHost b\nKbdInteractiveAuthentication yes\n", []int{4}},
	} {
		var dead []int
		for _, f := range check(t, test.text, "").Findings {
			if strings.Contains(f.Text, "never takes effect") {
				dead = append(dead, f.Line)
			}
		}
		if !slices.Equal(dead, test.dead) {
			t.Errorf("%q: lines %v, want %v", test.text, dead, test.dead)
		}
	}
}

// TestCheckUnreachableIsTrue: no host gets its value from a line that is called
// unreachable.
func TestCheckUnreachableIsTrue(t *testing.T) {
	patterns := []string{"*", "a", "b", "a*", "*b", "?", "a?", "??", "!a *", "a b", "* !b", "a* b*"}
	hosts := []string{"a", "b", "ab", "ba", "aa", "bb", "c"}
	for _, first := range patterns {
		for _, second := range patterns {
			text := fmt.Sprintf("Host %s\nPort 1\nHost %s\nPort 2\n", first, second)
			dead := check(t, text, "").Bad()
			for _, host := range hosts {
				if c := mustLoad(t, text, host); dead && c.Port == 2 {
					t.Errorf("%q: line 4 holds for %s", text, host)
				}
			}
		}
	}
}

func TestCheckExplains(t *testing.T) {
	r := check(t, "Host other\nUser no\nHost web\nHostName %h.net\nIdentityFile /a\nHost *\nUser me2\nHostName lost\nIdentityFile /b\nMatch final\nPort 99\n", "web")
	want := map[string]int{"HostName web.net": 4, "User me2": 7, "IdentityFile /a": 5, "IdentityFile /b": 9, "Port 99": 11}
	for _, v := range r.Values {
		name := v.Keyword + " " + v.Text
		if want[name] != v.Origin.Line {
			t.Errorf("%s comes from line %d", name, v.Origin.Line)
		}
		delete(want, name)
	}
	if len(want) > 0 {
		t.Errorf("not explained: %v", want)
	}
	if len(r.Lost) != 1 || r.Lost[0].Text != "lost" || r.Lost[0].Origin.Line != 8 || r.Lost[0].By.Line != 4 {
		t.Errorf("lost: %+v", r.Lost)
	}
}

func TestCheckFindings(t *testing.T) {
	q := clientQuery(t, "", "")
	q.File = ""
	dir := filepath.Join(q.Home, ".ssh")
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write("open", "", 0o644)
	write("agent.pub", "", 0o644)
	write("extra", "Host x\nCipher 3des\nBatchMode maybe\n", 0o664)
	write("config", "Host nobody\nInclude extra\nProxyJmup a\nZyzzyva 1\n", 0o600)
	expect := func(text string, want ...string) {
		t.Helper()
		r, err := CheckClient(q)
		if err != nil {
			t.Fatal(err)
		}
		found := ""
		for _, f := range r.Findings {
			found += f.String() + "\n"
		}
		for _, part := range want {
			if !strings.Contains(found, part) {
				t.Errorf("%s: %q is missing in\n%s", text, part, found)
			}
		}
		if r.Bad() != (len(want) > 0) {
			t.Errorf("%s: %s", text, found)
		}
	}
	expect("bad lines", "config line 3: Bad configuration option: proxyjmup (ProxyJump is meant?)", "config line 4: Bad configuration option: zyzzyva\n",
		"extra line 2: Cipher: ignored: it is deprecated", `extra line 3: unsupported option "maybe"`, "extra: others may write it")
	write("config", "IdentityFile ~/.ssh/open\nIdentityFile ~/.ssh/missing\nIdentityFile ~/.ssh/agent\nCertificateFile /none\nControlPath ~/no/%C\n", 0o600)
	expect("files", "open: others may read this private key", "config line 2: IdentityFile ~/.ssh/missing does not exist", "config line 4: CertificateFile /none does not exist",
		"config line 5: the directory of ControlPath, ~/no, does not exist")
	write("config", "IdentityFile ~/.ssh/agent\nProtocol 2\n", 0o600)
	expect("hints")
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	expect("directory", ".ssh: others may write this directory")
	q.File = "/nonexistent"
	if _, err := CheckClient(q); err == nil {
		t.Error("-F of a missing file passed")
	}
}
