//go:build unix && !linux

package login

import (
	"os"
	"sync"
	"syscall"
)

var coreMu sync.Mutex

func startClean(name string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	return os.StartProcess(name, argv, attr)
}

// forbidCore forbids core images of this process and, here, of its children.
func forbidCore() error {
	coreMu.Lock()
	defer coreMu.Unlock()
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &was); err != nil {
		return err
	}
	was.Cur = 0
	return syscall.Setrlimit(syscall.RLIMIT_CORE, &was)
}

func growPipe(*os.File) {}

// awaitExit has no portable form; the moment between the end of a process and
// the end of its id's use is left.
func awaitExit(int) bool { return false }
