package login

import "os"

// trusted accepts everything: modes say nothing on Windows.
func trusted(*User, os.FileInfo) bool { return true }

// ownerOf is nobody in particular on Windows.
func ownerOf(os.FileInfo) (uid, gid uint32) { return 0, 0 }
