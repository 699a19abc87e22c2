//go:build unix

package keyfile

import (
	"io/fs"
	"os"
	"syscall"
)

// CheckPermissions returns a *[PermissionsError] when a private key file of
// this user's is open to group or others. Another user's file passes: whoever
// may read it was decided by its owner, as in OpenSSH.
func CheckPermissions(path string, info fs.FileInfo) error {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if ok && int(stat.Uid) == os.Getuid() && info.Mode().Perm()&0o077 != 0 {
		return &PermissionsError{Path: path, Mode: info.Mode()}
	}
	return nil
}

// keepOwner gives a file the owner of the one it replaces, which matters when
// root does it. Where it isn't allowed the writer owns the new file.
func keepOwner(f *os.File, old fs.FileInfo) {
	if stat, ok := old.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(stat.Uid), int(stat.Gid))
	}
}

// setMode gives a new file its mode: 0 is the old file's, else private.
func setMode(f *os.File, mode fs.FileMode, old fs.FileInfo) error {
	if mode == 0 && old != nil {
		mode = old.Mode().Perm()
	}
	if mode == 0 {
		mode = 0o600
	}
	return f.Chmod(mode)
}

// syncDir makes a rename last.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	// Some file systems can't sync a directory; the rename has happened.
	_ = d.Sync()
	return nil
}
