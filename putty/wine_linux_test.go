package putty

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// TestWindows runs this package's tests as a Windows program, the registry's
// among them, and lets regedit read what we write and the other way.
func TestWindows(t *testing.T) {
	w := testpeer.NewWine(t)
	out := w.Test(t, ".", "-test.run=Store|Registry|Reg|Escape|Validity|Files|Convert|Cache")
	for _, name := range []string{"TestStoreRegistry", "TestRegistryTakesRegFiles"} {
		if !strings.Contains(out, "--- PASS: "+name+" ") {
			t.Errorf("%s did not run:\n%s", name, out)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	dir := t.TempDir()
	ours := NewReg()
	fill(t, ours)
	runRegedit(t, w.Command(ctx, "reg", "add", regRoot))
	for _, ansi := range []bool{false, true} {
		text, err := ours.Marshal(ansi)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "ours.reg")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		runRegedit(t, w.Command(ctx, "reg", "delete", regRoot, "/f"))
		runRegedit(t, w.Command(ctx, "regedit", "/S", `Z:`+path))
		sameStore(t, exported(t, w, ctx, filepath.Join(dir, "theirs.reg")), ours)
	}
}

func exported(t *testing.T, w *testpeer.Wine, ctx context.Context, path string) *Reg {
	t.Helper()
	runRegedit(t, w.Command(ctx, "regedit", "/E", `Z:`+path, regRoot))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ParseReg(text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// runRegedit runs regedit or reg.
func runRegedit(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

// fill puts in what the files in testdata hold.
func fill(t *testing.T, s Store) {
	t.Helper()
	session := Record{
		{Name: "Present", Text: "1", Number: true}, {Name: "HostName", Text: "h.example"}, {Name: "PortNumber", Text: "2222", Number: true},
		{Name: "LogFileClash", Text: "-1", Number: true}, {Name: "ProxyTelnetCommand", Text: `C:\bin\tsh.exe "x" %host\n`}, {Name: "WinTitle", Text: "Grüße"},
	}
	ca := HostCA{Name: "our CA", Validity: "*.example || b", SHA256: true, SHA512: true}
	var keys []HostKey
	for _, k := range testKeys() {
		h, err := NewHostKey("h.example", 22, k)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, h)
		ca.Key = k
	}
	keys = append(keys, HostKey{"rsa2", 2222, "::1", "0x23,0x1"})
	for _, err := range []error{
		s.Save(Sessions, "foo bar", session), s.Save(Sessions, "", Record{{Name: "MatchHosts", Text: "a", List: true}, {Name: "MatchHosts", Text: "b", List: true}}),
		SaveHostCA(s, ca), s.PutHostKeys(keys...),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// sameStore compares two stores, whose order may differ.
func sameStore(t *testing.T, got, want Store) {
	t.Helper()
	for _, section := range []Section{Sessions, HostCAs} {
		a, errA := got.Names(section)
		b, errB := want.Names(section)
		if errA != nil || errB != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%q, not %q: %v %v", a, b, errA, errB)
		}
		for _, name := range b {
			a, errA := got.Load(section, name)
			b, errB := want.Load(section, name)
			if errA != nil || errB != nil || !reflect.DeepEqual(byName(a), byName(b)) {
				t.Errorf("%s: %+v, not %+v: %v %v", name, a, b, errA, errB)
			}
		}
	}
	a, errA := got.HostKeys()
	b, errB := want.HostKeys()
	if errA != nil || errB != nil || len(a) != len(b) {
		t.Errorf("%+v, not %+v: %v %v", a, b, errA, errB)
	}
	for _, k := range b {
		if !containsKey(a, k) {
			t.Errorf("%+v is missing", k)
		}
	}
}

func byName(r Record) map[string][]Setting {
	m := map[string][]Setting{}
	for _, s := range r {
		m[s.Name] = append(m[s.Name], s)
	}
	return m
}
