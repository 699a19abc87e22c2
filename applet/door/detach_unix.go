//go:build unix

package door

import (
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// readyFD is where that process says that it is ready.
const readyFD = 3

// Detached is the process in the background, from the inside.
type Detached struct{ tell *os.File }

// Background returns the way to the parent in a process in the background, nil
// in any other.
func Background(e *Env) *Detached {
	if e.Getenv(detachedMark) == "" {
		return nil
	}
	os.Unsetenv(detachedMark)
	syscall.CloseOnExec(readyFD)
	return &Detached{os.NewFile(readyFD, "ready")}
}

// detach has cmd start in a session of its own, with tell to say that it is
// ready.
func (o Detach) detach(cmd *exec.Cmd, tell *os.File) error {
	cmd.Env = append(append(os.Environ(), detachedMark+"=1"), o.Env...)
	cmd.ExtraFiles = []*os.File{tell}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: !o.Terminal}
	return nil
}

// Ready lets the parent go with a word, and with it the terminal and the
// directory.
func (d *Detached) Ready(word []byte, keepStderr bool) {
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

// Leave is ready, but the process keeps its streams and its directory.
func (d *Detached) Leave(word []byte) {
	_, _ = unix.Setsid() // fails where it has been done
	d.say(word)
}

func (d *Detached) say(word []byte) {
	d.tell.Write(append([]byte{1}, word...))
	d.tell.Close()
}
