//go:build unix

package applet

import "os"

// elevated says that this file is setuid or setgid, and has rights that its
// caller hasn't got.
func elevated() bool { return os.Getuid() != os.Geteuid() || os.Getgid() != os.Getegid() }
