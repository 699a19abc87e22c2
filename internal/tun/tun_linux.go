package tun

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// control is the device that makes devices (Linux's Documentation/networking/tuntap).
const control = "/dev/net/tun"

// Open opens the device of a unit, such as 3 for tun3, or the next free one for
// [Any]. A device that doesn't exist is made and lives until it is closed; one
// that was made to stay, for a user, may be opened by that user.
func Open(mode Mode, unit int) (*Device, error) {
	name, err := mode.name()
	if err != nil {
		return nil, err
	}
	if unit != Any {
		name = fmt.Sprintf(name, unit)
	}
	request, err := unix.NewIfreq(name)
	if err != nil {
		return nil, fmt.Errorf("network device %s: %w", name, err)
	}
	flags := uint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if mode == Ethernet {
		flags = unix.IFF_TAP | unix.IFF_NO_PI
	}
	request.SetUint16(flags)
	fd, err := unix.Open(control, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: control, Err: err}
	}
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("network device %s: %w", name, err)
	}
	return &Device{request.Name(), os.NewFile(uintptr(fd), control)}, nil
}
