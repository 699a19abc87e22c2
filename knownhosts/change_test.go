package knownhosts

import (
	"crypto/hmac"
	"crypto/sha1"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

func TestCheckAuthority(t *testing.T) {
	ca, other, host := testKeys()[0], testKeys()[1], testKeys()[2]
	CA, HOST := text(ca), text(host)
	for _, x := range []struct {
		file, host string
		port       int
		want       string
	}{
		{"@cert-authority *.example " + CA, "www.example", 22, "trusted"},
		{"@cert-authority *.example " + CA, "www.example", 2222, "trusted"}, // by its name at port 22
		{"@cert-authority *.example,!www.example " + CA, "www.example", 22, "unknown"},
		{"@cert-authority [*.example]:2222 " + CA, "www.example", 22, "unknown"},
		{"@cert-authority " + hashed("h") + " " + CA, "h", 22, "trusted"},
		{"*.example " + CA, "www.example", 22, "unknown"},
		{"@cert-authority * " + text(other), "h", 22, "unknown"},
		{"@cert-authority * " + CA + "\n@revoked * " + CA, "h", 22, "revoked"},
		{"@revoked h " + CA + "\n@cert-authority * " + CA, "h", 2222, "revoked"},
		{"@cert-authority * " + CA + "\n@revoked * " + HOST, "h", 22, "revoked"},
		{"@cert-authority * " + CA + "\n@revoked other " + CA, "h", 22, "trusted"},
		{"", "h", 22, "unknown"},
	} {
		db := Parse("file", []byte(x.file))
		err := db.CheckAuthority(x.host, x.port, ca, host)
		var revoked *RevokedError
		var unknown *UnknownAuthorityError
		got := "trusted"
		switch {
		case errors.As(err, &revoked):
			got = "revoked"
		case errors.As(err, &unknown):
			got = "unknown"
		case err != nil:
			t.Fatal(err)
		}
		if got != x.want {
			t.Errorf("%.100q, %s port %d: %s", x.file, x.host, x.port, got)
		}
		all, err := db.Authorities(x.host, x.port)
		if trusted := len(all) > 0 && key.Equal(all[0].Key, ca); err != nil || trusted != (x.want == "trusted") && !strings.Contains(x.file, HOST) {
			t.Errorf("%.100q: %v %v", x.file, all, err)
		}
	}
	if err := Open(t.TempDir()).CheckAuthority("h", 22, ca, host); err == nil {
		t.Error("a file that can't be read trusts an authority")
	}
}

func TestAlgorithmsPreferCertificates(t *testing.T) {
	offered := []string{key.TypeECDSA256, key.TypeEd25519, "ssh-ed25519-cert-v01@openssh.com"}
	db := Parse("file", []byte("@cert-authority * "+text(testKeys()[3])+"\nh "+text(testKeys()[0])))
	for host, want := range map[string][]string{
		"h": {offered[1], offered[2], offered[0]}, "i": {offered[2], offered[0], offered[1]},
	} {
		if got, err := db.Algorithms(host, 22, offered); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q %v", host, got, err)
		}
	}
}

func TestLookupKey(t *testing.T) {
	a, b := testKeys()[0], testKeys()[1]
	db := Parse("file", []byte("# c\nh "+text(a)+"\n"+hashed("i")+" "+text(a)+" x\n@revoked * "+text(a)+"\nj "+text(b)+"\n"))
	found, err := db.LookupKey(a)
	if err != nil || len(found) != 2 || found[0].Names != "h" || found[0].Line != 2 || found[1].Comment != "x" {
		t.Errorf("%+v %v", found, err)
	}
	if found, err := db.LookupKey(testKeys()[3]); err != nil || found != nil {
		t.Errorf("%+v %v", found, err)
	}
}

func TestReplace(t *testing.T) {
	a, b, c := testKeys()[0], testKeys()[1], testKeys()[2]
	path := filepath.Join(t.TempDir(), "known_hosts")
	write(t, path, "# c\nh "+text(a)+" mine\n@revoked h "+text(b)+"\n"+hashed("h")+" "+text(b)+"\ni "+text(b)+"\ng,H,i "+text(b)+" three\n* "+text(b))
	added, removed, err := Replace(path, "h", 22, []key.Public{a, c}, false)
	if err != nil || added != 1 || removed != 2 {
		t.Errorf("%d %d %v", added, removed, err)
	}
	want := "# c\nh " + text(a) + " mine\n@revoked h " + text(b) + "\ni " + text(b) + "\ng,i " + text(b) + " three\n* " + text(b) + "\nh " + text(c) + "\n"
	if got := readFile(t, path); got != want {
		t.Errorf("%s", got)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	added, removed, err = Replace(path, "H", 22, []key.Public{c, a}, true)
	after, statErr := os.Stat(path)
	if err != nil || statErr != nil || added != 0 || removed != 0 || !os.SameFile(before, after) {
		t.Errorf("%d %d %v", added, removed, err)
	}
	d := testKeys()[3]
	if _, _, err := Replace(path, "h", 22, []key.Public{d}, true); err != nil {
		t.Fatal(err)
	}
	if got := readFile(t, path); !strings.HasSuffix(got, " "+text(d)+"\n") || !strings.Contains(got, "\n"+hashMagic) || strings.Contains(got, "h "+text(c)) {
		t.Error(got)
	}
	if err := Open(path).Check("h", 22, nil, d); err != nil {
		t.Error(err)
	}
}

func TestHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known_hosts")
	a := text(testKeys()[0])
	write(t, path, "# c\nh,[i]:2222 "+a+" x\n*.w "+a+"\n@cert-authority z "+a+"\ngarbage\n")
	hidden, err := Hash(path)
	got := readFile(t, path)
	if err != nil || !hidden || strings.Contains(got, "h,") || !strings.Contains(got, "*.w "+a) || !strings.Contains(got, "garbage\n") || strings.Count(got, hashMagic) != 2 || strings.Count(got, a+" x\n") != 2 {
		t.Errorf("%v %v %s", hidden, err, got)
	}
	for host, port := range map[string]int{"h": 22, "i": 2222} {
		if err := Open(path).Check(host, port, nil, testKeys()[0]); err != nil {
			t.Error(err)
		}
	}
	if hidden, err := Hash(path); hidden || err != nil || readFile(t, path) != got {
		t.Error(hidden, err)
	}
}

// TestChangesAtOnce: those who add and those who replace wait for each other, and
// nobody's line is lost.
func TestChangesAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known_hosts")
	a := testKeys()[0]
	write(t, path, "first "+text(a)+"\n")
	const each = 20
	var wait sync.WaitGroup
	for i := range each {
		wait.Go(func() {
			if err := Add(path, fmt.Sprintf("added%d", i), 22, a, false); err != nil {
				t.Error(err)
			}
		})
		wait.Go(func() {
			if _, _, err := Replace(path, fmt.Sprintf("replaced%d", i), 22, []key.Public{a}, false); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := strings.Count(readFile(t, path), "\n"); got != 1+2*each {
		t.Errorf("%d lines, not %d", got, 1+2*each)
	}
}

// TestKilledChange kills a process that rewrites a file over and over: whenever
// that is, the old file or the new one is there, whole.
func TestKilledChange(t *testing.T) {
	if path := os.Getenv("NACRE_REWRITE"); path != "" {
		for i := 0; ; i++ {
			k := testKeys()[i%2]
			if _, _, err := Replace(path, "h", 22, []key.Public{k}, false); err != nil {
				t.Fatal(err)
			}
			fmt.Println("rewritten")
		}
	}
	if runtime.GOOS == "windows" {
		return // a killed process leaves its handles to the system there
	}
	path := filepath.Join(t.TempDir(), "known_hosts")
	rest := hostFile(500, true)
	write(t, path, rest)
	for range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledChange$")
		cmd.Env = append(os.Environ(), "NACRE_REWRITE="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line := make([]byte, 16)
		if _, err := out.Read(line); err != nil { // it is at work
			t.Fatal(err)
		}
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		text, mode := readFile(t, path), mode(t, path)
		if !strings.HasPrefix(text, rest) || strings.Count(text[len(rest):], "\n") != 1 || !strings.HasSuffix(text, "\n") || mode != 0o600 {
			t.Fatalf("mode %o, ends in %q", mode, text[max(0, len(text)-300):])
		}
	}
}

func TestHasherIsHMAC(t *testing.T) {
	for _, n := range []int{0, 1, 54, 55, 56, 63, 64, 119, 120, 200} {
		name := strings.Repeat("x", n)
		salt := []byte("01234567890123456789")
		if got, want := newHasher(name).sum(salt), slowHash(salt, name); string(got[:]) != string(want) {
			t.Errorf("%d bytes: %x, not %x", n, got, want)
		}
	}
}

func slowHash(salt []byte, name string) []byte {
	m := hmac.New(sha1.New, salt)
	m.Write([]byte(name))
	return m.Sum(nil)
}
