package applet

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/nacre-ssh/nacre/term"
)

// To run in the background, a program starts itself again with the same command
// line, waits until that says it is ready, and leaves. The new process has the
// console until then, so that it can ask for what it needs.

// detachedMark is set in the environment of the process in the background: to
// the handle by which it says that it is ready.
const detachedMark = "NACRE_DETACHED"

// maxWord caps what it says, in bytes.
const maxWord = 8192

// detached is the process in the background, from the inside.
type detached struct {
	tell   *os.File
	stdout *os.File
}

// detachOptions are what the process in the background has until it is ready;
// its standard error is the program's.
type detachOptions struct {
	stdin, stdout *os.File // nil: nothing
	args          []string // with the program's name before them; nil: this process's
	env           []string // NAME=value, besides the environment
	// terminal leaves it the console until it is ready, so that it may ask
	// there.
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
	handle, err := strconv.ParseUint(e.Getenv(detachedMark), 10, 64)
	if err != nil {
		return nil
	}
	os.Unsetenv(detachedMark)
	_ = windows.SetHandleInformation(windows.Handle(handle), windows.HANDLE_FLAG_INHERIT, 0)
	return &detached{os.NewFile(uintptr(handle), "ready"), e.Stdout}
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
	handle := syscall.Handle(tell.Fd())
	if err := syscall.SetHandleInformation(handle, syscall.HANDLE_FLAG_INHERIT, syscall.HANDLE_FLAG_INHERIT); err != nil {
		tell.Close()
		return 0, nil, 0, err
	}
	cmd := &exec.Cmd{
		Path: program, Args: o.argv(), Stderr: e.Stderr,
		Env:         append(append(os.Environ(), detachedMark+"="+strconv.FormatUint(uint64(handle), 10)), o.env...),
		SysProcAttr: &syscall.SysProcAttr{AdditionalInheritedHandles: []syscall.Handle{handle}},
	}
	if !o.terminal {
		cmd.SysProcAttr.CreationFlags = windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP
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

// ready lets the parent go with a word, and with it the console and the
// directory. Standard error goes with the console, unless it leads elsewhere.
func (d *detached) ready(word []byte, _ bool) {
	os.Chdir(os.Getenv("SystemRoot") + `\`)
	freeConsole()
	d.say(word)
}

// leave is ready, but the process keeps its streams and its directory. One that
// writes to a console stays with it, and is not interrupted with what runs
// there.
func (d *detached) leave(word []byte) {
	if term.IsTerminal(d.stdout) {
		ignoreInterrupts()
	} else {
		freeConsole()
	}
	d.say(word)
}

func (d *detached) say(word []byte) {
	d.tell.Write(append([]byte{1}, word...))
	d.tell.Close()
}

// freeConsole fails where there is none, which is as well.
func freeConsole() { windows.NewLazySystemDLL("kernel32.dll").NewProc("FreeConsole").Call() }

func ignoreInterrupts() {
	windows.NewLazySystemDLL("kernel32.dll").NewProc("SetConsoleCtrlHandler").Call(0, 1)
}
