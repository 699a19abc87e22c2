package agents

import (
	"context"
	"os"

	"golang.org/x/sys/unix"
)

// awaitEnd waits until the parent has ended.
func awaitEnd(ctx context.Context, parent int) {
	fd, err := unix.PidfdOpen(parent, 0)
	if err != nil || os.Getppid() != parent {
		pollParent(ctx, parent)
		return
	}
	defer unix.Close(fd)
	for ctx.Err() == nil {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
		if n > 0 || err != nil && err != unix.EINTR {
			return
		}
	}
}
