//go:build unix

package applet

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Go program can't fork: to run in the background, a program starts itself
// again with the same argument list, waits until that says it is ready, and
// leaves. The new process has the terminal until then, so that it can ask for
// what it needs.

// detachedMark is set in the environment of the process in the background.
const detachedMark = "NACRE_DETACHED"

// readyFD is where that process says that it is ready.
const readyFD = 3

// maxWord caps what it says, in bytes.
const maxWord = 8192

// detached is the process in the background, from the inside.
type detached struct{ tell *os.File }

// detachOptions are what the process in the background has until it is ready;
// its standard error is the program's.
type detachOptions struct {
	stdin, stdout *os.File // nil: nothing
	args          []string // with the program's name before them; nil: this process's
	env           []string // NAME=value, besides the environment
	// terminal leaves it in the session until it is ready, so that it may ask
	// at the terminal.
	terminal bool
}

func (o detachOptions) argv() []string {
	if o.args != nil {
		return o.args
	}
	return os.Args
}

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

// startDetached starts this program in the background. It returns the word of
// one that is ready; one that ended before has no word but an exit code.
func startDetached(e *Env, o detachOptions) (pid int, word []byte, code int, err error) {
	program, err := os.Executable()
	if err != nil {
		return 0, nil, 0, err
	}
	hear, tell, err := os.Pipe()
	if err != nil {
		return 0, nil, 0, err
	}
	defer hear.Close()
	cmd := &exec.Cmd{
		Path: program, Args: o.argv(), Env: append(append(os.Environ(), detachedMark+"=1"), o.env...),
		Stderr: e.Stderr, ExtraFiles: []*os.File{tell},
		SysProcAttr: &syscall.SysProcAttr{Setsid: !o.terminal},
	}
	if o.stdin != nil { // a nil *os.File is not a nil Reader
		cmd.Stdin = o.stdin
	}
	if o.stdout != nil {
		cmd.Stdout = o.stdout
	}
	err = cmd.Start()
	tell.Close()
	if err != nil {
		return 0, nil, 0, err
	}
	pid = cmd.Process.Pid
	said, err := io.ReadAll(io.LimitReader(hear, maxWord))
	if err == nil && len(said) > 0 {
		return pid, said[1:], 0, cmd.Process.Release()
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = nil
	}
	return 0, nil, cmd.ProcessState.ExitCode(), err
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
