//go:build unix

package login

import (
	"os"
	"syscall"
)

// trusted says that only u and root can change what info describes.
func trusted(u *User, info os.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && (st.Uid == u.UID || st.Uid == 0) && info.Mode().Perm()&0o022 == 0
}

// ownerOf are the numbers of the user and the group whose file it is.
func ownerOf(info os.FileInfo) (uid, gid uint32) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Uid, st.Gid
	}
	return 0, 0
}
