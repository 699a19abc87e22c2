//go:build unix

package login

import (
	"os"
	"path/filepath"
	"testing"
)

// Every directory on the way counts, up to the home.
func TestFaults(t *testing.T) {
	above, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	u := &User{Name: "me", UID: uint32(os.Geteuid()), Home: filepath.Join(above, "home")}
	dir := filepath.Join(u.Home, ".ssh")
	file := filepath.Join(dir, "authorized_keys")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if faults, err := Faults(u, file); len(faults) != 0 || err != nil {
		t.Errorf("%+v %v", faults, err)
	}
	os.Chmod(above, 0o777) // above the home: nobody looks there
	os.Chmod(u.Home, 0o775)
	os.Chmod(file, 0o666)
	faults, err := Faults(u, file)
	if err != nil || len(faults) != 2 || faults[0].Path != file || faults[0].Dir() || faults[1].Path != u.Home || !faults[1].Dir() || faults[1].UID != u.UID {
		t.Errorf("%+v %v", faults, err)
	}
	if _, err := OpenAs(u, file, true); err == nil {
		t.Error("OpenAs takes it")
	}
	if _, err := Faults(u, file+"2"); !os.IsNotExist(err) {
		t.Error(err)
	}
}
