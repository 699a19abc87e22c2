package login

import (
	"io/fs"
	"os"
	"path/filepath"
)

// A Fault is a file or directory on the way to a user's file that strict modes
// refuse.
type Fault struct {
	Path string // all links resolved
	Mode fs.FileMode
	UID  uint32 // of the owner, who is wrong unless it is the user's or root's
	GID  uint32
}

// Dir says whether it is a directory.
func (f *Fault) Dir() bool { return f.Mode.IsDir() }

// Faults looks at a file, or a directory, and at every directory above it, up to
// the user's home or the root, and returns all that strict modes refuse, the
// outermost last; where [OpenAs] names the first. It reads with the identity of
// the process. On Windows modes say nothing, and there are none.
func Faults(u *User, path string) ([]Fault, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	top, err := filepath.EvalSymlinks(u.Home)
	if err != nil {
		top = ""
	}
	var faults []Fault
	for at := real; ; at = filepath.Dir(at) {
		info, err := os.Lstat(at)
		if err != nil {
			return faults, err
		}
		if !trusted(u, info) {
			uid, gid := ownerOf(info)
			faults = append(faults, Fault{at, info.Mode(), uid, gid})
		}
		if at == top || at == filepath.Dir(at) {
			return faults, nil
		}
	}
}

// KeyFile is where a pattern of AuthorizedKeysFile leads for a user.
func KeyFile(u *User, pattern string) (string, error) { return expand(u, pattern) }

// Authority says whether the line is for certificates that its key signs.
func (r *Restrictions) Authority() bool { return r.ca }
