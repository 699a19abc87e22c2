//go:build linux && (386 || arm)

package login

import "golang.org/x/sys/unix"

// The older call has 16-bit group ids.
const sysSetgroups = unix.SYS_SETGROUPS32
