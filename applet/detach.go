package applet

import (
	"errors"
	"io"
	"os"
	"os/exec"
)

// A Go program can't fork: to run in the background, a program starts itself
// again with the same argument list, waits until that says it is ready, and
// leaves. The new process has the terminal until then, so that it can ask for
// what it needs.

// detachedMark is set in the environment of the process in the background, to
// how it says that it is ready.
const detachedMark = "NACRE_DETACHED"

// maxWord caps what it says, in bytes.
const maxWord = 8192

// detachOptions are what the process in the background has until it is ready;
// its standard error is the program's.
type detachOptions struct {
	stdin, stdout *os.File // nil: nothing
	args          []string // with the program's name before them; nil: this process's
	env           []string // NAME=value, besides the environment
	// terminal leaves it in the session, or at the console, until it is ready,
	// so that it may ask there.
	terminal bool
}

func (o detachOptions) argv() []string {
	if o.args != nil {
		return o.args
	}
	return os.Args
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
	cmd := &exec.Cmd{Path: program, Args: o.argv(), Stderr: e.Stderr}
	if o.stdin != nil { // a nil *os.File is not a nil Reader
		cmd.Stdin = o.stdin
	}
	if o.stdout != nil {
		cmd.Stdout = o.stdout
	}
	if err = o.detach(cmd, tell); err == nil {
		err = cmd.Start()
	}
	tell.Close()
	if err != nil {
		return 0, nil, 0, err
	}
	return awaitWord(cmd, hear)
}

// awaitWord waits for the word of a process in the background, or its end.
func awaitWord(cmd *exec.Cmd, hear io.Reader) (pid int, word []byte, code int, err error) {
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
