package door

import (
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/nacre-ssh/nacre/term"
)

// Detached is the process in the background, from the inside.
type Detached struct {
	tell   *os.File
	stdout *os.File
}

// Background returns the way to the parent in a process in the background, nil
// in any other.
func Background(e *Env) *Detached {
	handle, err := strconv.ParseUint(e.Getenv(detachedMark), 10, 64)
	if err != nil {
		return nil
	}
	os.Unsetenv(detachedMark)
	_ = windows.SetHandleInformation(windows.Handle(handle), windows.HANDLE_FLAG_INHERIT, 0)
	return &Detached{os.NewFile(uintptr(handle), "ready"), e.Stdout}
}

// detach has cmd start without a console, with tell to say that it is ready.
func (o Detach) detach(cmd *exec.Cmd, tell *os.File) error {
	handle := syscall.Handle(tell.Fd())
	cmd.Env = append(append(os.Environ(), detachedMark+"="+strconv.FormatUint(uint64(handle), 10)), o.Env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{AdditionalInheritedHandles: []syscall.Handle{handle}}
	if !o.Terminal {
		cmd.SysProcAttr.CreationFlags = windows.DETACHED_PROCESS | windows.CREATE_NEW_PROCESS_GROUP
	}
	return syscall.SetHandleInformation(handle, syscall.HANDLE_FLAG_INHERIT, syscall.HANDLE_FLAG_INHERIT)
}

// Ready lets the parent go with a word, and with it the console and the
// directory. Standard error goes with the console, unless it leads elsewhere.
func (d *Detached) Ready(word []byte, _ bool) {
	os.Chdir(os.Getenv("SystemRoot") + `\`)
	freeConsole()
	d.say(word)
}

// Leave is ready, but the process keeps its streams and its directory. One that
// writes to a console stays with it, and is not interrupted with what runs
// there.
func (d *Detached) Leave(word []byte) {
	if term.IsTerminal(d.stdout) {
		ignoreInterrupts()
	} else {
		freeConsole()
	}
	d.say(word)
}

func (d *Detached) say(word []byte) {
	d.tell.Write(append([]byte{1}, word...))
	d.tell.Close()
}

// freeConsole fails where there is none, which is as well.
func freeConsole() { windows.NewLazySystemDLL("kernel32.dll").NewProc("FreeConsole").Call() }

func ignoreInterrupts() {
	windows.NewLazySystemDLL("kernel32.dll").NewProc("SetConsoleCtrlHandler").Call(0, 1)
}
