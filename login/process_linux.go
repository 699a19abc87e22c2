package login

import (
	"math"
	"os"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// coreLimit is the limit that this process had before it forbade itself core
// images; children get it back. Guarded by coreMu.
var (
	coreMu    sync.Mutex
	coreLimit *unix.Rlimit
)

// startClean starts a process with an empty signal mask and the core limit that
// this process was given. Between fork and exec Go runs no code of ours, so both
// are set here for the moment of the start; this process stays undumpable
// meanwhile.
func startClean(name string, argv []string, attr *os.ProcAttr) (*os.Process, error) {
	runtime.LockOSThread() // the mask is the thread's
	defer runtime.UnlockOSThread()
	var empty, old unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &empty, &old); err == nil {
		defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	}
	closeOnExec()
	coreMu.Lock()
	defer coreMu.Unlock()
	if coreLimit != nil {
		none := unix.Rlimit{Cur: 0, Max: coreLimit.Max}
		_ = unix.Setrlimit(unix.RLIMIT_CORE, coreLimit)
		defer func() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &none) }()
	}
	return os.StartProcess(name, argv, attr)
}

// closeOnExec keeps descriptors from the child that this process itself was
// started with; those that it opened are marked one by one. The kernel has the
// call since Linux 5.11.
func closeOnExec() { _ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) }

// forbidCore forbids core images of this process.
func forbidCore() error {
	coreMu.Lock()
	defer coreMu.Unlock()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &was); err != nil {
		return err
	}
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 0, Max: was.Max}); err != nil {
		return err
	}
	coreLimit = &was
	return nil
}

// growPipe makes a pipe hold up to 1 MiB; the kernel may refuse (a user has a
// budget), and then it stays as it is.
func growPipe(f *os.File) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { _, _ = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, pipeSize) })
}

// awaitExit waits until the child has ended, and leaves it to be reaped.
func awaitExit(pid int) bool {
	var info [128]byte // siginfo_t, of which nothing is read
	for {
		_, _, errno := unix.Syscall6(unix.SYS_WAITID, unix.P_PID, uintptr(pid), uintptr(unsafe.Pointer(&info)), unix.WEXITED|unix.WNOWAIT, 0, 0)
		if errno != unix.EINTR {
			return errno == 0
		}
	}
}
