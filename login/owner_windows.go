package login

import "os"

// trusted accepts everything: modes say nothing on Windows.
func trusted(*User, os.FileInfo) bool { return true }
