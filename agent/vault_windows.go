package agent

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// lockedMemory returns memory outside the heap. That it can't be locked (a limit
// of the system's) is no reason not to serve.
func lockedMemory(size int) []byte {
	at, err := windows.VirtualAlloc(0, uintptr(size), windows.MEM_COMMIT|windows.MEM_RESERVE, windows.PAGE_READWRITE)
	if err != nil {
		return make([]byte, size)
	}
	_ = windows.VirtualLock(at, uintptr(size))
	return unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&at))), size)
}

// Harden has nothing to do: another user's process can't read this one's memory,
// and there is no core.
func Harden() error { return nil }
