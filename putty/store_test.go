package putty

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

// testKeys are one key of each type that the cache has, and can be made fast.
var testKeys = sync.OnceValue(func() []key.Public {
	var keys []key.Public
	for typ, bits := range map[string]int{
		key.TypeEd25519: 0, key.TypeEd448: 0, key.TypeECDSA256: 0, key.TypeECDSA384: 0, key.TypeECDSA521: 0, key.TypeRSA: key.MinRSABits,
	} {
		k, err := key.Generate(rand.Reader, typ, bits)
		if err != nil {
			panic(err)
		}
		keys = append(keys, k.Public())
	}
	return keys
})

// scratch is t.TempDir for tests that also run under Wine, where that one's
// clean-up doesn't work.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "putty")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = filepath.WalkDir(dir, func(path string, _ fs.DirEntry, _ error) error { return os.Remove(path) })
		os.RemoveAll(dir)
	})
	return dir
}

func TestStoreFiles(t *testing.T) { testStore(t, &Files{Dir: filepath.Join(scratch(t), "putty")}) }
func TestStoreReg(t *testing.T)   { testStore(t, NewReg()) }

// testStore is what every store does.
func testStore(t *testing.T, s Store) {
	t.Run("records", func(t *testing.T) { testRecords(t, s) })
	t.Run("host keys", func(t *testing.T) { testHostKeys(t, s) })
	t.Run("authorities", func(t *testing.T) { testHostCAs(t, s) })
}

func testRecords(t *testing.T, s Store) {
	if names, err := s.Names(Sessions); err != nil || len(names) != 0 {
		t.Errorf("empty: %v %v", names, err)
	}
	if _, err := s.Load(Sessions, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := s.Delete(Sessions, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	const name = `a b*c?%\x/ü`
	r := Record{{Name: "HostName", Text: `x=y "z" \`}, {Name: "PortNumber", Text: "22", Number: true}, {Name: "LogFileClash", Text: "-1", Number: true}, {Name: "Empty"}}
	for range 2 { // the second time in the place of the first
		if err := s.Save(Sessions, name, r); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Load(Sessions, name)
	if err != nil || len(got) != len(r) {
		t.Fatalf("%+v %v", got, err)
	}
	for _, want := range r {
		if text, ok := got.Get(want.Name); !ok || text != want.Text {
			t.Errorf("%s is %q", want.Name, text)
		}
	}
	if got.Int("portnumber", 0) != 22 || got.Int("LogFileClash", 0) != -1 || got.Int("Empty", 7) != 7 || got.Int("x", 7) != 7 {
		t.Errorf("%+v", got)
	}
	if err := s.Save(Sessions, name, Record{{Name: "New", Text: "1"}}); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(Sessions, name); err != nil || len(got) != 1 || got[0].Name != "New" {
		t.Errorf("%+v %v", got, err)
	}
	if err := s.Save(Sessions, "", Record{{Name: "x", Text: "1"}}); err != nil {
		t.Fatal(err)
	}
	if names, err := s.Names(Sessions); err != nil || !reflect.DeepEqual(names, []string{DefaultSettings, name}) {
		t.Errorf("%q %v", names, err)
	}
	for _, name := range []string{name, DefaultSettings} {
		if err := s.Delete(Sessions, name); err != nil {
			t.Error(err)
		}
	}
	if names, err := s.Names(Sessions); err != nil || len(names) != 0 {
		t.Errorf("%v %v", names, err)
	}
}

func testHostKeys(t *testing.T, s Store) {
	keys := testKeys()
	for _, k := range keys {
		if state, err := CheckHost(s, "h.example", 2222, k); state != HostUnknown || err != nil {
			t.Error(state, err)
		}
		h, err := NewHostKey("h.example", 2222, k)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.PutHostKeys(h, h); err != nil {
			t.Fatal(err)
		}
		if state, err := CheckHost(s, "h.example", 2222, k); state != HostKnown || err != nil {
			t.Error(state, err)
		}
		if back, err := h.Key(); err != nil || !key.Equal(back, k) {
			t.Errorf("%+v: %v", h, err)
		}
	}
	if state, err := CheckHost(s, "h.example", 22, keys[0]); state != HostUnknown || err != nil {
		t.Error(state, err)
	}
	old := HostKey{Type: "rsa", Port: 22, Host: "h:%*", Data: "0x10001,0x123"}
	if err := s.PutHostKeys(old); err != nil {
		t.Fatal(err)
	}
	all, err := s.HostKeys()
	if err != nil || len(all) != len(keys)+1 {
		t.Fatalf("%v %v", all, err)
	}
	if !reflect.DeepEqual(all[len(all)-1], old) && !containsKey(all, old) {
		t.Errorf("%+v", all)
	}
	var unsupported *key.UnsupportedError
	if _, err := old.Key(); !errors.As(err, &unsupported) {
		t.Error(err)
	}
	for _, k := range all {
		changed := k
		changed.Data = "0x1"
		if err := s.PutHostKeys(changed); err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteHostKey(k); err != nil {
			t.Error(err)
		}
		if err := s.DeleteHostKey(k); !errors.Is(err, fs.ErrNotExist) {
			t.Error(err)
		}
	}
	for _, bad := range []HostKey{{}, {Type: "rsa2", Port: 22, Host: "a b"}, {Type: "rsa2", Port: 0, Host: "a"}, {Type: "rsa2", Port: 22, Host: "a", Data: "x\ny"}} {
		if s.PutHostKeys(bad) == nil {
			t.Errorf("took %+v", bad)
		}
	}
}

func containsKey(all []HostKey, k HostKey) bool {
	for _, other := range all {
		if other == k {
			return true
		}
	}
	return false
}

func testHostCAs(t *testing.T, s Store) {
	ca := HostCA{Name: "our % CA", Key: testKeys()[0], Validity: "*.example || (h && !port:22)", SHA256: true}
	if err := SaveHostCA(s, ca); err != nil {
		t.Fatal(err)
	}
	all, broken, err := LoadHostCAs(s)
	if err != nil || len(all) != 1 || len(broken) != 0 || !key.Equal(all[0].Key, ca.Key) {
		t.Fatalf("%+v %v %v", all, broken, err)
	}
	all[0].Key = ca.Key
	if all[0] != ca {
		t.Errorf("%+v", all[0])
	}
	if err := s.Save(HostCAs, "broken", Record{{Name: "PublicKey", Text: "AAAA"}}); err != nil {
		t.Fatal(err)
	}
	legacy, err := s.Load(HostCAs, ca.Name)
	if err != nil {
		t.Fatal(err)
	}
	legacy = append(legacy.without("Validity"), Setting{Name: "MatchHosts", Text: "a", List: true}, Setting{Name: "MatchHosts", Text: "*.b", List: true})
	if err := s.Save(HostCAs, "legacy", legacy); err != nil {
		t.Fatal(err)
	}
	got, err := LoadHostCA(s, "legacy")
	if err != nil || got.Validity != "a || *.b" || !got.Speaks("x.b", 22) || got.Takes(key.AlgRSASHA1) || !got.Takes(key.AlgRSASHA256) || !got.Takes(key.TypeEd25519) {
		t.Errorf("%+v %v", got, err)
	}
	if _, broken, err := LoadHostCAs(s); err != nil || !reflect.DeepEqual(broken, []string{"broken"}) {
		t.Errorf("%v %v", broken, err)
	}
	if err := SaveHostCA(s, HostCA{Name: "x", Key: ca.Key, Validity: "a || b && c"}); err == nil {
		t.Error("saved what PuTTY could not read")
	}
	for _, name := range []string{"broken", "legacy", ca.Name} {
		if err := s.Delete(HostCAs, name); err != nil {
			t.Error(err)
		}
	}
}

// TestNumbersStayNumbers: a file has no types, and PuTTY on Windows reads no text
// where it expects a number.
func TestNumbersStayNumbers(t *testing.T) {
	f, r := &Files{Dir: scratch(t)}, NewReg()
	if err := SaveHostCA(f, HostCA{Name: "x", Key: testKeys()[0], Validity: "h", SHA1: true}); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(Sessions, "x", Record{{Name: "PortNumber", Text: "22"}, {Name: "TermWidth", Text: "x"}, {Name: "HostName", Text: "1"}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Copy(r, f); err != nil {
		t.Fatal(err)
	}
	ca, err1 := r.Load(HostCAs, "x")
	session, err2 := r.Load(Sessions, "x")
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	for _, s := range append(ca, session...) {
		if want := strings.HasPrefix(s.Name, "Permit") || s.Name == "PortNumber"; s.Number != want {
			t.Errorf("%+v", s)
		}
	}
}

func TestDefaultDir(t *testing.T) {
	home := scratch(t)
	env := map[string]string{}
	check := func(want string) {
		t.Helper()
		if got := DefaultDir(func(name string) string { return env[name] }, home); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
	check(filepath.Join(home, ".putty"))
	config := filepath.Join(home, ".config", "putty")
	if err := os.MkdirAll(config, 0o700); err != nil {
		t.Fatal(err)
	}
	check(config)
	env["XDG_CONFIG_HOME"] = filepath.Join(home, "xdg")
	check(filepath.Join(home, ".putty"))
	env["PUTTYDIR"] = "/p"
	check("/p")
	env["PUTTYSESSIONS"], env["PUTTYSSHHOSTKEYS"], env["PUTTYSSHHOSTCAS"] = "/s", "/k", "/c"
	f := DefaultFiles(func(name string) string { return env[name] }, home)
	if f.path(Sessions, "a b") != filepath.Join("/s", "a%20b") || f.hostKeys() != "/k" || f.dir(HostCAs) != "/c" {
		t.Errorf("%+v", f)
	}
}

func TestEscape(t *testing.T) {
	for _, x := range []struct{ name, key, file string }{
		{`a b*c?%\.x`, "a%20b%2Ac%3F%25%5C.x", "a%20b%2Ac%3F%25%5C.x"},
		{".x", "%2Ex", ".x"}, {"", "Default%20Settings", "Default%20Settings"},
		{"a/b:c", "a/b:c", "a%2Fb%3Ac"}, {"ü\x7f", "%C3%BC%7F", "%C3%BC%7F"}, {"A-Z+@_9", "A-Z+@_9", "A-Z+@_9"},
	} {
		if got := EscapeKey(x.name); got != x.key {
			t.Errorf("%q becomes %q in a registry", x.name, got)
		}
		if got := EscapeFile(x.name); got != x.file {
			t.Errorf("%q becomes %q as a file", x.name, got)
		}
		if back := Unescape(x.key); x.name != "" && back != x.name {
			t.Errorf("%q comes back as %q", x.name, back)
		}
	}
	if got := Unescape("%4a%4G%2"); got != "J%4G%2" {
		t.Errorf("%q", got)
	}
}

// A line that nobody understands stays, and a process that dies leaves the old
// file: there is never another one with the name.
func TestFilesKeepWhatTheyDontKnow(t *testing.T) {
	f := &Files{Dir: scratch(t)}
	old := "rsa2@22:h 0x10001,0x3\nnonsense\n# x\nrsa2@22:h 0x1,0x2\n" + strings.Repeat("x", MaxLine+1) + " 1"
	if err := os.WriteFile(f.hostKeys(), []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.PutHostKeys(HostKey{"rsa2", 22, "h", "0x5,0x7"}, HostKey{"dss", 22, "h", "0x1"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(f.hostKeys())
	want := "rsa2@22:h 0x5,0x7\nnonsense\n# x\n" + strings.Repeat("x", MaxLine+1) + " 1\ndss@22:h 0x1\n"
	if err != nil || string(got) != want {
		t.Errorf("%.200q %v", got, err)
	}
	if err := f.Save(Sessions, "x", Record{{Name: "a", Text: "b\nc"}}); err == nil {
		t.Error("took a value with a line end")
	}
}

func FuzzHostKeys(f *testing.F) {
	for _, k := range testKeys() {
		h, err := NewHostKey("h.example", 2222, k)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(h.id() + " " + h.Data + "\n")
	}
	f.Add("rsa@22:h 0x23,0x1\ndss@22:[::1] 0x0,0x0,0x0,0x0\nssh-ed25519@65536:h 0x1,0x1")
	f.Fuzz(func(t *testing.T, text string) {
		for line := range strings.Lines(text) {
			h, ok := parseHostKey(line)
			if !ok {
				continue
			}
			if again, ok := parseHostKey(h.id() + " " + h.Data); !ok || again != h {
				t.Errorf("%+v becomes %+v", h, again)
			}
			k, err := h.Key()
			if err != nil {
				continue
			}
			back, err := NewHostKey(h.Host, h.Port, k)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := back.Key(); err != nil || !key.Equal(again, k) {
				t.Errorf("%+v: %v", back, err)
			}
		}
	})
}
