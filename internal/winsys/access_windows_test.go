package winsys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// newFile makes a file with an access list written as SDDL.
func newFile(t *testing.T, list string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "access")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := setList(path, list); err != nil {
		t.Fatal(err)
	}
	return path
}

func me(t *testing.T) string {
	t.Helper()
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		t.Fatal(err)
	}
	return user.User.Sid.String()
}

func TestWindowsStranger(t *testing.T) {
	own := "(A;;FA;;;" + me(t) + ")"
	for _, row := range []struct {
		list        string
		read, write bool
	}{
		{"D:P" + own, false, false},
		{"D:P" + own + "(A;;FA;;;SY)(A;;FA;;;BA)", false, false},
		{"D:P" + own + "(A;;FR;;;WD)", true, false},
		{"D:P" + own + "(A;;FA;;;WD)", true, true},
	} {
		path := newFile(t, row.list)
		for access, want := range map[Access]bool{Read: row.read, Write: row.write} {
			if who, err := Stranger(path, access); err != nil || (who != "") != want || want && !strings.HasSuffix(who, "Everyone") {
				t.Errorf("%s, %x: %q, %v", row.list, access, who, err)
			}
		}
	}
	if who, err := Stranger(filepath.Join(os.TempDir(), "no such file"), Read); err == nil {
		t.Errorf("of a file that isn't there: %q", who)
	}
}

func TestWindowsOwn(t *testing.T) {
	path := newFile(t, "D:P(A;;FA;;;"+me(t)+")(A;;FA;;;WD)")
	if err := Own(path); err != nil {
		t.Fatal(err)
	}
	for _, access := range []Access{Read, Write} {
		if who, err := Stranger(path, access); who != "" || err != nil {
			t.Errorf("%x: %q, %v", access, who, err)
		}
	}
	if who, err := Owner(path); who != "" || err != nil {
		t.Errorf("owner: %q, %v", who, err)
	}
}

func TestWindowsShell(t *testing.T) {
	t.Setenv("A_NAME", "value")
	for line, want := range map[string]string{
		`echo %A_NAME%`:             "value\r\n",
		`exec echo one two`:         "one two\r\n",
		`echo "quoted" & echo next`: "\"quoted\" \r\nnext\r\n",
	} {
		for _, comspec := range []string{commandProcessor(), "cmd.exe", ""} {
			t.Setenv("ComSpec", comspec)
			if out, err := Shell(line).Output(); err != nil || string(out) != want {
				t.Errorf("%s: %q, %v", line, out, err)
			}
		}
	}
}
