//go:build unix

package applet

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Go program can't fork: to run in the background, sshd starts itself again
// with the same argument list, waits until that is ready, and leaves.

// detachedMark is set in the environment of the process in the background.
const detachedMark = "NACRE_SSHD_DETACHED"

// readyFD is where that process says that it is ready.
const readyFD = 3

// detached is the process in the background, from the inside.
type detached struct{ tell *os.File }

// detach starts the process in the background and returns its fate as an exit
// code; in that process it returns the way to its parent.
func detach(e *Env) (*detached, int) {
	if e.Getenv(detachedMark) != "" {
		os.Unsetenv(detachedMark)
		syscall.CloseOnExec(readyFD)
		return &detached{os.NewFile(readyFD, "ready")}, 0
	}
	code, err := startDetached(e)
	if err != nil {
		e.Errorf("sshd: going to the background: %v; use -D to stay in the foreground", err)
		return nil, sshdFatal
	}
	return nil, code
}

func startDetached(e *Env) (int, error) {
	program, err := os.Executable()
	if err != nil {
		return 0, err
	}
	hear, tell, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer hear.Close()
	cmd := &exec.Cmd{
		Path: program, Args: os.Args, Env: append(os.Environ(), detachedMark+"=1"),
		Stderr: e.Stderr, ExtraFiles: []*os.File{tell},
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	err = cmd.Start()
	tell.Close()
	if err != nil {
		return 0, err
	}
	var word [1]byte
	if n, _ := hear.Read(word[:]); n == 1 {
		return sshdOK, cmd.Process.Release()
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return sshdFatal, err
}

// ready lets the parent go, and with it the terminal and the directory.
func (d *detached) ready(keepStderr bool) {
	os.Chdir("/")
	if null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0); err == nil {
		for fd := range 3 {
			if fd < 2 || !keepStderr {
				unix.Dup2(int(null.Fd()), fd)
			}
		}
		null.Close()
	}
	d.tell.Write([]byte{1})
	d.tell.Close()
}

// endSignals are the signals that the server listens to.
func endSignals() []os.Signal {
	return []os.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGHUP}
}

func isHangup(s os.Signal) bool { return s == syscall.SIGHUP }
