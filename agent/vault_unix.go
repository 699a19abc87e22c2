//go:build unix

package agent

import "golang.org/x/sys/unix"

// lockedMemory returns memory outside the heap. That it can't be locked (a limit
// of the system's) is no reason not to serve.
func lockedMemory(size int) []byte {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return make([]byte, size)
	}
	_ = unix.Mlock(b)
	hide(b)
	return b
}
