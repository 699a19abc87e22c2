package login

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// AsUser runs f with the file-system identity of u: whatever f opens, it opens
// with the rights of u and no others. When this process is not root, f runs with
// the rights there are.
//
// f runs on an operating-system thread of its own, which is thrown away: the
// kernel keeps credentials per thread, and a thread that changed them must never
// run anything else. f must not start goroutines that open files, and must
// not start processes.
func AsUser(u *User, f func() error) error {
	if os.Geteuid() != 0 || u.root() {
		return f()
	}
	done := make(chan error, 1)
	go onThread(func() {
		err := assume(u)
		if err == nil {
			err = f()
		}
		done <- err
	})
	return <-done
}

// onThread runs f on a locked thread that ends with it. The process's first
// thread can't end (the runtime parks it for ever, with the credentials it
// had), so f moves on to another one when it lands there.
func onThread(f func()) {
	runtime.LockOSThread() // and never unlock: the goroutine's end ends the thread
	if unix.Gettid() != unix.Getpid() {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		f()
	}()
	<-done // holds the first thread, so that the other can't land on it
	runtime.UnlockOSThread()
}

// assume gives the calling thread the groups and the file-system ids of u. The
// kernel takes the file capabilities away with the id (capabilities(7)).
func assume(u *User) error {
	if err := setThreadGroups(u.Groups); err != nil {
		return fmt.Errorf("taking the groups of %s: %w", u.Name, err)
	}
	// These two report no errors (setfsuid(2)): ask again what they are now.
	_ = unix.Setfsgid(int(u.GID))
	_ = unix.Setfsuid(int(u.UID))
	gid, _ := unix.SetfsgidRetGid(-1)
	uid, _ := unix.SetfsuidRetUid(-1)
	if uint32(gid) != u.GID || uint32(uid) != u.UID {
		return fmt.Errorf("taking the file-system identity of %s: %w", u.Name, syscall.EPERM)
	}
	return nil
}

// setThreadGroups is setgroups(2) of the calling thread alone; syscall.Setgroups
// sets those of every thread.
func setThreadGroups(groups []uint32) error {
	var first unsafe.Pointer
	if len(groups) > 0 {
		first = unsafe.Pointer(&groups[0])
	}
	if _, _, errno := unix.RawSyscall(sysSetgroups, uintptr(len(groups)), uintptr(first), 0); errno != 0 {
		return errno
	}
	return nil
}

// openReading opens a file for reading without ever waiting for it (a FIFO) or
// adopting a terminal. Links may be followed, but not the magic ones of /proc,
// which lead to this process's own open files.
func openReading(path string) (*os.File, error) {
	how := unix.OpenHow{
		Flags:   unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC,
		Resolve: unix.RESOLVE_NO_MAGICLINKS,
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, path, &how)
	if err == unix.ENOSYS || err == unix.EPERM { // before Linux 5.6, or filtered
		return os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}
