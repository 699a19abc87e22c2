package login

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// StrictModesError is sshd's sentence about a file that others could change.
type StrictModesError struct {
	// Path is the file or the directory at fault, all links resolved.
	Path string
	Dir  bool
}

func (e *StrictModesError) Error() string {
	what := "file"
	if e.Dir {
		what = "directory"
	}
	return "Authentication refused: bad ownership or modes for " + what + " " + e.Path
}

// Unwrap makes the error one of permission.
func (e *StrictModesError) Unwrap() error { return os.ErrPermission }

// errNotRegular refuses directories, devices, FIFOs and sockets.
var errNotRegular = errors.New("not a regular file")

// OpenAs opens a regular file for reading with the file-system identity of u,
// following links as far as u may. With strict it also wants the file and every
// directory above it, up to the user's home or the root, to belong to u or root
// and to be writable by nobody else; else the error is a [*StrictModesError].
// The caller closes the file.
func OpenAs(u *User, path string, strict bool) (*os.File, error) {
	var file *os.File
	err := AsUser(u, func() (err error) {
		file, err = openChecked(u, path, strict)
		return err
	})
	return file, err
}

// openChecked does the work of OpenAs with whatever identity it is called.
func openChecked(u *User, path string, strict bool) (*os.File, error) {
	file, err := openReading(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &os.PathError{Op: "open", Path: path, Err: errNotRegular}
	}
	if err == nil && strict {
		err = strictModes(u, path, info)
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

// strictModes checks the way to the file that is open as info.
func strictModes(u *User, path string, info os.FileInfo) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	// The checked path must be that of the open file: between the two calls
	// somebody may have turned a link.
	if again, err := os.Lstat(real); err != nil || !os.SameFile(info, again) {
		return fmt.Errorf("%s changed while it was being opened", path)
	}
	if !trusted(u, info) {
		return &StrictModesError{Path: real}
	}
	top, err := filepath.EvalSymlinks(u.Home)
	if err != nil {
		top = ""
	}
	for dir := filepath.Dir(real); ; dir = filepath.Dir(dir) {
		info, err := os.Lstat(dir)
		if err != nil {
			return err
		}
		if !trusted(u, info) {
			return &StrictModesError{Path: dir, Dir: true}
		}
		if dir == top || dir == filepath.Dir(dir) {
			return nil
		}
	}
}
