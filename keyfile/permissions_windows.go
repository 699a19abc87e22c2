package keyfile

import (
	"io/fs"
	"os"

	"github.com/nacre-ssh/nacre/internal/winsys"
)

// CheckPermissions returns a *[PermissionsError] when the access list of a
// private key file lets others read it than this user, SYSTEM and the
// Administrators. A file system without access lists lets everybody.
func CheckPermissions(path string, _ fs.FileInfo) error {
	who, err := winsys.Stranger(path, winsys.Read)
	if err != nil {
		return err
	}
	if who != "" {
		return &PermissionsError{Path: path, Who: who, Cure: winsys.Private(path, "F")}
	}
	return nil
}

// keepOwner has nothing to do: who replaces a file is its owner.
func keepOwner(*os.File, fs.FileInfo) {}

// setMode makes a file private where its mode asks for that in so many words;
// others have what their directory passes on.
func setMode(f *os.File, mode fs.FileMode, _ fs.FileInfo) error {
	if mode == 0 || mode.Perm()&0o077 != 0 {
		return nil
	}
	return winsys.Own(f.Name())
}

func syncDir(string) error { return nil }
