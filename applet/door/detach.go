package door

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

// A Detach is what the process in the background has until it is ready;
// its standard error is the program's.
type Detach struct {
	Stdin, Stdout *os.File // nil: nothing
	Args          []string // with the program's name before them; nil: this process's
	Env           []string // NAME=value, besides the environment
	// Terminal leaves it in the session, or at the console, until it is ready,
	// so that it may ask there.
	Terminal bool
}

func (o Detach) argv() []string {
	if o.Args != nil {
		return o.Args
	}
	return os.Args
}

// StartDetached starts this program in the background. It returns the word of
// one that is ready; one that ended before has no word but an exit code.
func StartDetached(e *Env, o Detach) (pid int, word []byte, code int, err error) {
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
	if o.Stdin != nil { // a nil *os.File is not a nil Reader
		cmd.Stdin = o.Stdin
	}
	if o.Stdout != nil {
		cmd.Stdout = o.Stdout
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
