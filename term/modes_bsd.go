//go:build darwin || freebsd

package term

import "golang.org/x/sys/unix"

const (
	ioctlGet = unix.TIOCGETA
	ioctlSet = unix.TIOCSETA
	disabled = 0xff // _POSIX_VDISABLE
	// maxSpeed keeps a peer's number within what drivers take.
	maxSpeed = 4000000
)

func moreChars() []charMode {
	return []charMode{{11, unix.VDSUSP}, {17, unix.VSTATUS}}
}

func speeds(t *unix.Termios) (in, out uint32) { return uint32(t.Ispeed), uint32(t.Ospeed) }
