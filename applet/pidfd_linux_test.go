package applet

import (
	"testing"

	"golang.org/x/sys/unix"
)

// processFD waits for the end of a process that is nobody's child here.
type processFD int

func pidfd(pid int) (processFD, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	return processFD(fd), err
}

func (p processFD) wait(t *testing.T) {
	t.Helper()
	defer unix.Close(int(p))
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(p), Events: unix.POLLIN}}, int(soon.Milliseconds()))
		if err == unix.EINTR { // by the runtime's own signals
			continue
		}
		if n != 1 {
			unix.PidfdSendSignal(int(p), unix.SIGKILL, nil, 0)
			t.Errorf("the process does not end: %v", err)
		}
		return
	}
}
