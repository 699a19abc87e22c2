//go:build unix

package door

import "os"

// Elevated says that this file is setuid or setgid, and has rights that its
// caller hasn't got.
func Elevated() bool { return os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() }
