package knownhosts

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
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

// testKeys are two Ed25519 keys, an ECDSA and an RSA one.
var testKeys = sync.OnceValue(func() []key.Public {
	var keys []key.Public
	for _, typ := range []string{key.TypeEd25519, key.TypeEd25519, key.TypeECDSA256, key.TypeRSA} {
		bits := 0
		if typ == key.TypeRSA {
			bits = key.MinRSABits
		}
		k, err := key.Generate(rand.Reader, typ, bits)
		if err != nil {
			panic(err)
		}
		keys = append(keys, k.Public())
	}
	return keys
})

func text(k key.Public) string {
	return k.Type() + " " + base64.StdEncoding.EncodeToString(k.Blob())
}

// verdictOf names the outcome of a Check.
func verdictOf(err error) string {
	var unknown *UnknownError
	var changed *ChangedError
	var revoked *RevokedError
	var other *OtherTypeError
	switch {
	case err == nil:
		return "known"
	case errors.As(err, &unknown):
		return "unknown"
	case errors.As(err, &changed):
		return "changed"
	case errors.As(err, &other):
		return "other type"
	case errors.As(err, &revoked):
		return "revoked"
	}
	return err.Error()
}

func TestCheck(t *testing.T) {
	a, b, c := testKeys()[0], testKeys()[1], testKeys()[2]
	A, B, C := text(a), text(b), text(c)
	for _, x := range []struct {
		file string
		host string
		port int
		key  key.Public
		want string
	}{
		{"", "h", 22, a, "unknown"},
		{"h " + A, "h", 22, a, "known"},
		{"h " + A, "H", 0, a, "known"},
		{"H.Example " + A, "h.eXample", 22, a, "known"},
		{"h " + A, "h", 22, b, "changed"},
		{"h " + A, "h", 22, c, "other type"},
		{"h " + C + "\nh " + A, "h", 22, b, "changed"},
		{"h " + A + "\nh " + C, "h", 22, c, "known"},
		{"h " + A, "i", 22, a, "unknown"},
		{"h " + A, "hh", 22, a, "unknown"},
		{"g,h,i " + A + " comment", "h", 22, a, "known"},
		{" \th\t" + strings.Replace(A, " ", "\t ", 1) + "\r\n", "h", 22, a, "known"},

		{"[h]:2222 " + A, "h", 2222, a, "known"},
		{"[h]:2222 " + A, "h", 22, a, "unknown"},
		{"[h]:2222 " + A, "h", 2222, b, "changed"},
		{"h " + A, "h", 2222, a, "known"},   // the name at port 22 vouches
		{"h " + A, "h", 2222, b, "unknown"}, // but another daemon may differ
		{"[h]:2222 " + B + "\nh " + A, "h", 2222, a, "changed"},
		{"::1 " + A, "::1", 22, a, "known"},
		{"[::1]:23 " + A, "::1", 23, a, "known"},

		{"*.example.com " + A, "www.example.com", 22, a, "known"},
		{"*.example.com " + A, "example.com", 22, a, "unknown"},
		{"*.example.com,!www.example.com " + A, "www.example.com", 22, a, "unknown"},
		{"!www.example.com,*.example.com " + A, "www.example.com", 22, a, "unknown"},
		{"!www.example.com " + A, "ftp.example.com", 22, a, "unknown"},
		{"h? " + A, "h1", 22, a, "known"},
		{"h? " + A, "h", 22, a, "unknown"},
		{"[*]:2222 " + A, "h", 2222, a, "known"},
		{"* " + A, "anything", 22, a, "known"},
		{", " + A, "h", 22, a, "unknown"},

		{"h " + A + "\n@revoked * " + A, "h", 22, a, "revoked"},
		{"@revoked * " + A + "\nh " + A, "h", 22, a, "revoked"},
		{"@revoked other " + A + "\nh " + A, "h", 22, a, "known"},
		{"@revoked * " + B + "\nh " + A, "h", 22, a, "known"},
		{"@revoked * " + A, "h", 22, a, "revoked"},
		{"@revoked * " + A, "h", 22, b, "unknown"},
		{"@revoked h " + A, "h", 2222, a, "revoked"},
		{"@revoked * other-type" + A[strings.Index(A, " "):], "h", 22, a, "revoked"},
		{"@cert-authority * " + A, "h", 22, a, "unknown"},
		{"@cert-authority * " + A, "h", 22, b, "unknown"},
		{"@unheard-of h " + A, "h", 22, a, "unknown"},
		{"@revoked @revoked h " + A, "h", 22, a, "unknown"},

		{"# h " + A, "h", 22, a, "unknown"},
		{"h", "h", 22, a, "unknown"},
		{"h ssh-ed25519", "h", 22, a, "unknown"},
		{"h ssh-ed25519 AAAA", "h", 22, a, "unknown"},
		{"h ssh-dss " + A[strings.Index(A, " ")+1:], "h", 22, a, "unknown"},
		{"h 1024 65537 12345678901234567890", "h", 22, a, "unknown"},
		{"h x-future-type AAAADXgtZnV0dXJlLXR5cGU=", "h", 22, a, "unknown"},
		{"h,\x00 " + A, "h", 22, a, "unknown"},
		{strings.Repeat("x", 3*MaxLine) + "\nh " + A, "h", 22, a, "known"},
		{"h " + A + strings.Repeat(" x", MaxLine) + "\nh " + B, "h", 22, b, "known"},
		{"\n\n\nh " + A, "h", 22, a, "known"},

		{"|1|" + strings.Repeat("A", 27) + "=|" + strings.Repeat("A", 27) + "= " + A, "h", 22, a, "unknown"},
		{"|1|x|y " + A, "h", 22, a, "unknown"},
		{"|2|" + hashed("h")[3:] + " " + A, "h", 22, a, "unknown"},
		{hashed("h") + " " + A, "h", 22, a, "known"},
		{hashed("h") + " " + A, "H", 22, b, "changed"},
		{hashed("[h]:2222") + " " + A, "h", 2222, a, "known"},
		{hashed("h") + "," + hashed("i") + " " + A, "h", 22, a, "unknown"},
	} {
		db := Parse("file", []byte(x.file))
		if got := verdictOf(db.Check(x.host, x.port, nil, x.key)); got != x.want {
			t.Errorf("%.100q, %s port %d: %s, not %s", x.file, x.host, x.port, got, x.want)
		}
	}
}

func TestCheckErrors(t *testing.T) {
	a, b, c := testKeys()[0], testKeys()[1], testKeys()[2]
	db := Parse("file", []byte("h "+text(c)+"\n\nh "+text(b)+"\n@revoked * "+text(testKeys()[3])))
	var changed *ChangedError
	if err := db.Check("h", 22, nil, a); !errors.As(err, &changed) {
		t.Fatal(err)
	}
	if changed.File != "file" || changed.Line != 3 || changed.Host != "h" || changed.ByAddress ||
		len(changed.Known) != 2 || !key.Equal(changed.Known[0].Key, c) || !key.Equal(changed.Presented, a) {
		t.Errorf("%+v", changed)
	}
	for _, s := range []string{"SHA256:", "line 3 of file", "ssh-keygen -f 'file' -R 'h'"} {
		if !strings.Contains(changed.Error(), s) {
			t.Errorf("%q is not in: %v", s, changed)
		}
	}
	var revoked *RevokedError
	if err := db.Check("h", 22, nil, testKeys()[3]); !errors.As(err, &revoked) || revoked.Line != 4 || revoked.File != "file" {
		t.Errorf("%v", err)
	}
	if err := db.IsRevoked("i", 22, testKeys()[3]); !errors.As(err, &revoked) {
		t.Errorf("%v", err)
	}
	if err := db.IsRevoked("h", 22, c); err != nil {
		t.Error(err)
	}
	var unknown *UnknownError
	if err := db.Check("i", 2222, nil, a); !errors.As(err, &unknown) || unknown.Host != "[i]:2222" || !key.Equal(unknown.Presented, a) {
		t.Errorf("%v", err)
	}
	for _, host := range []string{"", strings.Repeat("h", maxName+1)} {
		if got := verdictOf(db.Check(host, 22, nil, a)); got == "known" || got == "unknown" {
			t.Errorf("%.20q: %s", host, got)
		}
	}
}

func TestCheckAddress(t *testing.T) {
	a, b := testKeys()[0], testKeys()[1]
	addr := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 22}
	for file, want := range map[string]string{
		"h " + text(a):                            "known",
		"h,192.0.2.1 " + text(a):                  "known",
		"h " + text(a) + "\n192.0.2.1 " + text(b): "changed",
		"h " + text(a) + "\n192.0.2.1 " + text(b) + "\n* " + text(a):   "known",
		"h " + text(a) + "\n@revoked 192.0.2.1 " + text(a):             "revoked",
		"192.0.2.1 " + text(a):                                         "unknown",
		"h " + text(a) + "\n@cert-authority 192.0.2.1 " + text(b) + "": "known",
	} {
		err := Parse("file", []byte(file)).Check("h", 22, addr, a)
		if got := verdictOf(err); got != want {
			t.Errorf("%q: %s, not %s", file, got, want)
		}
		var changed *ChangedError
		if errors.As(err, &changed) && (!changed.ByAddress || changed.Host != "192.0.2.1") {
			t.Errorf("%+v", changed)
		}
	}
	if err := Parse("f", []byte("h "+text(a))).Check("h", 22, &net.UnixAddr{Name: "/s"}, a); err != nil {
		t.Error(err)
	}
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	user, system := filepath.Join(dir, "user"), filepath.Join(dir, "system")
	a, b := testKeys()[0], testKeys()[1]
	db := Open(user, system)
	if got := verdictOf(db.Check("h", 22, nil, a)); got != "unknown" {
		t.Errorf("without files: %s", got)
	}
	write(t, system, "h "+text(a))
	if err := db.Check("h", 22, nil, a); err != nil {
		t.Error(err)
	}
	write(t, user, "\nh "+text(b))
	if err := db.Check("h", 22, nil, a); err != nil {
		t.Errorf("known by the second file: %v", err)
	}
	entries, err := db.Lookup("h", 22)
	if err != nil || len(entries) != 2 || entries[0].File != user || entries[0].Line != 2 || entries[1].File != system {
		t.Errorf("%+v %v", entries, err)
	}
	// What can't be read must not pass for an unknown host.
	got := verdictOf(Open(dir).Check("h", 22, nil, a))
	if got == "unknown" || got == "known" {
		t.Errorf("a directory: %s", got)
	}
}

func TestAlgorithms(t *testing.T) {
	offered := []string{"ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256"}
	for file, want := range map[string][]string{
		"":                         offered,
		"h " + text(testKeys()[3]): {"rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519", "ecdsa-sha2-nistp256"},
		"h " + text(testKeys()[3]) + "\nh " + text(testKeys()[2]): {"ecdsa-sha2-nistp256", "rsa-sha2-512", "rsa-sha2-256", "ssh-ed25519"},
		"@revoked h " + text(testKeys()[3]):                       offered,
		"i " + text(testKeys()[3]):                                offered,
	} {
		db := Parse("file", []byte(file))
		got, err := db.Algorithms("h", 22, offered)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %v %v", file, got, err)
		}
		got, err = db.Algorithms("h", 2222, offered) // falls back to the bare name
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: port 2222: %v %v", file, got, err)
		}
	}
	got, err := Open(t.TempDir()).Algorithms("h", 22, offered)
	if err == nil || !reflect.DeepEqual(got, offered) {
		t.Errorf("unreadable: %v %v", got, err)
	}
}

func TestLookupGivesMarkers(t *testing.T) {
	db := Parse("file", []byte("@cert-authority *.example "+text(testKeys()[0])+" our CA\nx.example x-future AAAA\n"))
	got, err := db.Lookup("x.example", 22)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v %v", got, err)
	}
	if got[0].Marker != Authority || got[0].Names != "*.example" || got[0].Comment != "our CA" || !key.Equal(got[0].Key, testKeys()[0]) {
		t.Errorf("%+v", got[0])
	}
	if got[1].Key != nil || got[1].Type != "x-future" {
		t.Errorf("%+v", got[1])
	}
}

func write(t *testing.T, path, s string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(s), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode().Perm()
}

func TestAdd(t *testing.T) {
	path := filepath.Join(t.TempDir(), ".ssh", "known_hosts")
	a, b := testKeys()[0], testKeys()[1]
	if err := Add(path, "Host.Example", 22, a, false); err != nil {
		t.Fatal(err)
	}
	if got, want := readFile(t, path), "host.example "+text(a)+"\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if runtime.GOOS != "windows" && (mode(t, path) != 0o600 || mode(t, filepath.Dir(path)) != 0o700) {
		t.Errorf("modes %o and %o", mode(t, path), mode(t, filepath.Dir(path)))
	}
	if err := Add(path, "other", 2222, b, true); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(readFile(t, path), "other") {
		t.Error("the name was not hashed")
	}
	db := Open(path)
	for _, err := range []error{db.Check("host.example", 22, nil, a), db.Check("other", 2222, nil, b)} {
		if err != nil {
			t.Error(err)
		}
	}

	// A file that lacks its final newline, with another mode.
	write(t, path, "# mine\nx "+text(b))
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Add(path, "h", 22, a, false); err != nil {
		t.Fatal(err)
	}
	if got, want := readFile(t, path), "# mine\nx "+text(b)+"\nh "+text(a)+"\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if runtime.GOOS != "windows" && mode(t, path) != 0o644 {
		t.Errorf("mode %o", mode(t, path))
	}
	before := readFile(t, path)
	for _, bad := range []string{"", "a b", "a\nb", "*", "a?", "a,b", "|1|x", "#x", "@revoked", "!x", "a\x00", "a\tb", "a\x7f", "a\"", strings.Repeat("x", 2000)} {
		if err := Add(path, bad, 22, a, false); err == nil {
			t.Errorf("%.20q was added", bad)
		}
	}
	if readFile(t, path) != before {
		t.Error("a refused name changed the file")
	}
	if err := Add(filepath.Join(path, "x", "y"), "h", 22, a, false); err == nil {
		t.Error("added below a file")
	}
}

func TestAddAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known_hosts")
	var wait sync.WaitGroup
	for i := range 20 {
		wait.Go(func() {
			if err := Add(path, fmt.Sprintf("h%d", i), 22, testKeys()[0], false); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	for i := range 20 {
		if err := Open(path).Check(fmt.Sprintf("h%d", i), 22, nil, testKeys()[0]); err != nil {
			t.Error(err)
		}
	}
}

func TestRemove(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "known_hosts")
	a, b := text(testKeys()[0]), text(testKeys()[1])
	long := strings.Repeat("h ", MaxLine) + "end"
	keep := []string{"# h comment", "", "@cert-authority h " + a, "@revoked h " + a, "garbage", long, "i " + a, "[h]:2222 " + b, "last " + b}
	lines := append([]string{"h " + b, hashed("h") + " " + a}, keep...)
	lines = append(lines[:6], append([]string{"g,h,i " + a + " three names"}, lines[6:]...)...)
	all := strings.Join(lines, "\n") // without a final newline
	write(t, path, all)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	removed, err := Remove(path, "H")
	if err != nil || !reflect.DeepEqual(removed, []int{1, 2, 7}) {
		t.Errorf("removed %v %v", removed, err)
	}
	if got, want := readFile(t, path), strings.Join(keep, "\n")+"\n"; got != want {
		t.Errorf("%.300q, not %.300q", got, want)
	}
	if readFile(t, path+".old") != all {
		t.Error("the old file is another one")
	}
	if runtime.GOOS != "windows" && (mode(t, path) != 0o640 || mode(t, path+".old") != 0o640) {
		t.Errorf("modes %o and %o", mode(t, path), mode(t, path+".old"))
	}
	// Nothing to remove changes nothing.
	removed, err = Remove(path, "nobody")
	if err != nil || removed != nil || readFile(t, path+".old") != all {
		t.Errorf("%v %v", removed, err)
	}
	if removed, err = Remove(path, "[h]:2222"); err != nil || len(removed) != 1 {
		t.Errorf("%v %v", removed, err)
	}
	if _, err := Remove(filepath.Join(dir, "missing"), "h"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
}

// TestKeygen compares finding, hashing and removing with the real ssh-keygen.
func TestKeygen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known_hosts")
	hosts := map[string]int{"plain.example": 22, "Ported.Example": 2222, "192.0.2.7": 22, "2001:db8::1": 2200}
	for host, port := range hosts {
		for _, hash := range []bool{false, true} {
			write(t, path, "# others\n")
			if err := Add(path, host, port, testKeys()[0], hash); err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("ssh-keygen", "-F", Name(host, port), "-f", path).CombinedOutput()
			if err != nil || !strings.Contains(string(out), text(testKeys()[0])) {
				t.Errorf("ssh-keygen -F does not find %s: %v %s", Name(host, port), err, out)
			}
			if out, err := exec.Command("ssh-keygen", "-H", "-f", path).CombinedOutput(); err != nil {
				t.Fatalf("%v %s", err, out)
			}
			if strings.Contains(strings.ToLower(readFile(t, path)), strings.ToLower(host)) {
				t.Error("ssh-keygen did not hash")
			}
			if err := Open(path).Check(host, port, nil, testKeys()[0]); err != nil {
				t.Errorf("hashed by ssh-keygen: %v", err)
			}
		}
	}
	mixed := "# a comment\nh,i " + text(testKeys()[0]) + "\n" + hashed("h") + " " + text(testKeys()[1]) +
		"\nother " + text(testKeys()[1]) + "\n@revoked h " + text(testKeys()[2]) + "\n*.h " + text(testKeys()[2]) + "\n"
	theirs := path + ".theirs"
	write(t, path, mixed)
	write(t, theirs, mixed)
	if _, err := Remove(path, "h"); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("ssh-keygen", "-R", "h", "-f", theirs).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	if ours, theirs := readFile(t, path), readFile(t, theirs); ours != theirs {
		t.Errorf("ours:\n%stheirs:\n%s", ours, theirs)
	}
}

// TestBoundedMemory checks that a file a hundred times as long costs no more
// memory.
func TestBoundedMemory(t *testing.T) {
	dir := t.TempDir()
	cost := func(lines int) uint64 {
		path := filepath.Join(dir, fmt.Sprint(lines))
		write(t, path, hostFile(lines, lines%2 == 1))
		db := Open(path)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if got := verdictOf(db.Check("h", 22, nil, testKeys()[0])); got != "unknown" {
			t.Error(got)
		}
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc
	}
	for _, hash := range []int{0, 1} { // odd numbers of lines are hashed
		small, large := cost(500+hash), cost(50000+hash)
		if large > small+64*1024 {
			t.Errorf("%d bytes for 500 lines, %d for 50000", small, large)
		}
	}
	// A host with more lines than anybody needs.
	db := Parse("file", []byte(strings.Repeat("h "+text(testKeys()[0])+"\n", 10*MaxEntries)))
	var changed *ChangedError
	if err := db.Check("h", 22, nil, testKeys()[1]); !errors.As(err, &changed) || len(changed.Known) != MaxEntries {
		t.Errorf("%.100v", err)
	}
	if found, err := db.Lookup("h", 22); err != nil || len(found) != MaxEntries {
		t.Errorf("%d %v", len(found), err)
	}
}

func hostFile(lines int, hash bool) string {
	var b strings.Builder
	salted := hashed("nobody")
	for i := range lines {
		if hash {
			b.WriteString(salted)
		} else {
			fmt.Fprintf(&b, "host%d.example.com,10.0.%d.%d", i, i/256%256, i%256)
		}
		b.WriteString(" " + text(testKeys()[i%2]) + "\n")
	}
	return b.String()
}

func BenchmarkCheck(b *testing.B) {
	for _, hash := range []bool{false, true} {
		b.Run(fmt.Sprintf("hashed=%v", hash), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "known_hosts")
			if err := os.WriteFile(path, []byte(hostFile(100_000, hash)), 0o600); err != nil {
				b.Fatal(err)
			}
			db := Open(path)
			for b.Loop() {
				if got := verdictOf(db.Check("h", 22, nil, testKeys()[0])); got != "unknown" {
					b.Fatal(got)
				}
			}
		})
	}
}

func FuzzCheck(f *testing.F) {
	a := testKeys()[0]
	f.Add([]byte("h "+text(a)+"\n"), "h", 22)
	f.Add([]byte("@revoked * "+text(a)+"\n@cert-authority !h,* "+text(a)), "h", 2222)
	f.Add([]byte(hashed("h")+" "+text(a)), "h", 22)
	f.Add([]byte("[*]:22?? ssh-rsa AAAA x\n# c\n\n\x00"), "::1", -1)
	f.Fuzz(func(t *testing.T, file []byte, host string, port int) {
		db := Parse("file", file)
		err := db.Check(host, port, nil, a)
		if err == nil && !bytes.Contains(file, []byte(text(a)[len(a.Type())+1:])) {
			t.Error("a key that is nowhere in the file is known")
		}
		if _, err := db.Lookup(host, port); err != nil && len(Name(host, port)) <= maxName && host != "" {
			t.Error(err)
		}
		if _, err := db.Types(host, port); err != nil && len(Name(host, port)) <= maxName && host != "" {
			t.Error(err)
		}
		// Whoever keeps every line keeps the file.
		var out bytes.Buffer
		err = Scan(bytes.NewReader(file), func(l *Line) error {
			l.spill = &out
			_, _ = Hide(io.Discard, l)
			l.Entry("file")
			return l.Keep(&out)
		})
		want := file
		if len(file) > 0 && file[len(file)-1] != '\n' {
			want = append(bytes.Clone(file), '\n')
		}
		if err != nil || !bytes.Equal(out.Bytes(), want) {
			t.Errorf("%q becomes %q: %v", file, out.Bytes(), err)
		}
	})
}
