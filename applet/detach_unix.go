//go:build unix

package applet

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// readyFD is where that process says that it is ready.
const readyFD = 3

// detached is the process in the background, from the inside.
type detached struct{ tell *os.File }

// background returns the way to the parent in a process in the background, nil
// in any other.
func background(e *Env) *detached {
	if e.Getenv(detachedMark) == "" {
		return nil
	}
	os.Unsetenv(detachedMark)
	syscall.CloseOnExec(readyFD)
	return &detached{os.NewFile(readyFD, "ready")}
}

// detach has cmd start in a session of its own, with tell to say that it is
// ready.
func (o detachOptions) detach(cmd *exec.Cmd, tell *os.File) error {
	cmd.Env = append(append(os.Environ(), detachedMark+"=1"), o.env...)
	cmd.ExtraFiles = []*os.File{tell}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: !o.terminal}
	return nil
}

// ready lets the parent go with a word, and with it the terminal and the
// directory.
func (d *detached) ready(word []byte, keepStderr bool) {
	_, _ = unix.Setsid() // fails where it has been done
	os.Chdir("/")
	if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
		for fd := range 3 {
			if fd < 2 || !keepStderr {
				unix.Dup2(int(null.Fd()), fd)
			}
		}
		null.Close()
	}
	d.say(word)
}

// leave is ready, but the process keeps its streams and its directory.
func (d *detached) leave(word []byte) {
	_, _ = unix.Setsid() // fails where it has been done
	d.say(word)
}

func (d *detached) say(word []byte) {
	d.tell.Write(append([]byte{1}, word...))
	d.tell.Close()
}
