package keyfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

func check(t *testing.T, path, want string, mode fs.FileMode) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil || string(b) != want {
		t.Errorf("%q %v", b, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != mode {
		t.Errorf("mode %o, not %o", info.Mode().Perm(), mode)
	}
}

func TestWriteAside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := WriteAside(path, 0, text("one")); err != nil {
		t.Fatal(err)
	}
	check(t, path, "one", 0o600)
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := WriteAside(path, 0, text("two")); err != nil {
		t.Fatal(err)
	}
	check(t, path, "two", 0o640)
	if err := WriteAside(path, 0o600, text("three")); err != nil {
		t.Fatal(err)
	}
	check(t, path, "three", 0o600)

	// A failed write leaves the old file and nothing beside it.
	mine := errors.New("no more ink")
	if err := WriteAside(path, 0, func(w io.Writer) error { io.WriteString(w, "half"); return mine }); !errors.Is(err, mine) {
		t.Error(err)
	}
	check(t, path, "three", 0o600)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if runtime.GOOS == "windows" {
		return
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := WriteAside(link, 0, text("four")); err != nil {
		t.Fatal(err)
	}
	check(t, path, "four", 0o600)
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v", err)
	}
}
