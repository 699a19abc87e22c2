package putty

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"
)

// sample is a .reg file of PuTTY's key: testdata/export.reg, version 5, is what
// Wine's regedit exported, testdata/export4.reg is version 4 of the same.
func sample(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestParseReg(t *testing.T) {
	for _, name := range []string{"export.reg", "export4.reg"} {
		r, err := ParseReg(sample(t, name))
		if err != nil {
			t.Fatal(name, err)
		}
		session, err := r.Load(Sessions, "foo bar")
		if err != nil || session.Int("PortNumber", 0) != 2222 || session.Int("LogFileClash", 0) != -1 {
			t.Errorf("%s: %+v %v", name, session, err)
		}
		if text, _ := session.Get("ProxyTelnetCommand"); text != `C:\bin\tsh.exe "x" %host\n` {
			t.Errorf("%s: %q", name, text)
		}
		ca, err := LoadHostCA(r, "our CA")
		if err != nil || ca.Validity != "*.example || b" || !ca.SHA512 || ca.SHA1 {
			t.Errorf("%s: %+v %v", name, ca, err)
		}
		keys, err := r.HostKeys()
		if err != nil || len(keys) != 2 || !containsKey(keys, HostKey{"rsa2", 2222, "::1", "0x23,0x1"}) {
			t.Errorf("%s: %+v %v", name, keys, err)
		}
		for _, ansi := range []bool{false, true} {
			text, err := r.Marshal(ansi)
			if err != nil {
				t.Fatal(err)
			}
			again, err := ParseReg(text)
			if err != nil || !reflect.DeepEqual(again.tree.list[2:], r.tree.list[2:]) && !ansi {
				t.Errorf("%s, version 4 %v: %v", name, ansi, err)
			}
		}
	}
}

func TestRegWide(t *testing.T) {
	r := NewReg()
	if err := r.Save(Sessions, "x", Record{{Name: "WinTitle", Text: "日本 €\r\n2"}, {Name: "L", Text: "ü", List: true}, {Name: "L", Text: "b", List: true}}); err != nil {
		t.Fatal(err)
	}
	text, err := r.Marshal(false)
	if err != nil || !bytes.HasPrefix(text, []byte{0xff, 0xfe}) {
		t.Fatal(err)
	}
	back, err := ParseReg(text)
	if err != nil {
		t.Fatal(err)
	}
	got, err := back.Load(Sessions, "x")
	want, _ := r.Load(Sessions, "x")
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, not %+v: %v", got, want, err)
	}
	if _, err := r.Marshal(true); err == nil {
		t.Error("version 4 took a letter that it has no place for")
	}
}

func TestRegDeletesAndMerges(t *testing.T) {
	const file = "REGEDIT4\r\n\r\n[HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\Sessions\\gone]\r\n\"a\"=\"b\"\r\n" +
		"[-HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\Sessions\\gone]\r\n" +
		"[hkey_current_user\\software\\simontatham\\putty\\sessions\\kept]\r\n\"x\"=-\r\n\"y\"=dword:0000000A\r\n; c\r\n" +
		"[HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\SshHostKeys]\r\n\"rsa2@22:h\"=-\r\n\"rsa2@22:i\"=\"0x1,0x2\"\r\n" +
		"[HKEY_LOCAL_MACHINE\\Software\\SimonTatham\\PuTTY\\Sessions\\never]\r\n@=hex:01,02,\\\r\n  03\r\n"
	r, err := ParseReg([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	to := &Files{Dir: scratch(t)}
	for _, name := range []string{"gone", "kept", "other"} {
		if err := to.Save(Sessions, name, Record{{Name: "x", Text: "1"}, {Name: "z", Text: "2"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := to.PutHostKeys(HostKey{"rsa2", 22, "h", "0x3"}, HostKey{"dss", 22, "h", "0x4"}); err != nil {
		t.Fatal(err)
	}
	if err := r.Merge(to); err != nil {
		t.Fatal(err)
	}
	if names, _ := to.Names(Sessions); !reflect.DeepEqual(names, []string{"kept", "other"}) {
		t.Errorf("%q", names)
	}
	keys, _ := to.HostKeys()
	if !reflect.DeepEqual(keys, []HostKey{{"dss", 22, "h", "0x4"}, {"rsa2", 22, "i", "0x1,0x2"}}) {
		t.Errorf("%+v", keys)
	}
	if kept, _ := to.Load(Sessions, "kept"); kept.Int("y", 0) != 10 {
		t.Errorf("%+v", kept)
	}
}

func TestRegRefuses(t *testing.T) {
	const key = "REGEDIT4\n[HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY\\Sessions\\x]\n"
	for _, bad := range []string{
		"", "REGEDIT5\n", "x", key + "nonsense\n", key + "\"a\n", key + "\"a\" \"b\"\n", key + "\"a\"=dword:123456789\n", key + "\"a\"=qword:1\n",
		key + "\"a\"=hex(7:00\n", key + "\"a\"=hex(7)00\n", key + "\"a\"=hex:1234\n", key + "\"a\"=\"\\", "REGEDIT4\n[HKEY", key + "\"a\"=",
	} {
		if _, err := ParseReg([]byte(bad)); err == nil || len(err.Error()) > 200 {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := ParseReg(make([]byte, MaxFile+1)); err == nil {
		t.Error("took a huge file")
	}
}

func FuzzReg(f *testing.F) {
	f.Add(sample(f, "export.reg"))
	f.Add(sample(f, "export4.reg"))
	f.Add([]byte("REGEDIT4\n[-HKEY_CURRENT_USER\\Software\\SimonTatham\\PuTTY]\n@=-\n\"a\"=hex(7):61,00,\\\n 00\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := ParseReg(file)
		if err != nil {
			return
		}
		if _, _, err := Copy(NewReg(), r); err != nil && !strings.Contains(err.Error(), "stored") {
			t.Log(err)
		}
		text, err := r.Marshal(false)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseReg(text)
		if err != nil {
			t.Fatal(err)
		}
		second, err := again.Marshal(false)
		if err != nil || !bytes.Equal(second, text) {
			t.Errorf("%q becomes %q: %v", text, second, err)
		}
	})
}
