//go:build darwin || freebsd

package netx

import "golang.org/x/sys/unix"

// solLocal is SOL_LOCAL, the level of a Unix socket's options.
const solLocal = 0

func peerUID(fd int) (uint32, error) {
	c, err := unix.GetsockoptXucred(fd, solLocal, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return c.Uid, nil
}
