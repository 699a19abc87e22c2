// Package tun opens network devices whose packets a program reads and writes:
// tun(4), which carries IP packets, and tap, which carries Ethernet frames.
//
// [Open] makes or attaches to one and returns a [Device]. Only Linux has them
// here; elsewhere Open answers [errors.ErrUnsupported]. Addresses and routes are
// not its business: whoever asked for the device sets them. What is done with
// the packets is package forward's.
package tun

import (
	"errors"
	"fmt"
	"os"
)

// A Mode is what a device carries. Its numbers are those of OpenSSH's PROTOCOL,
// section 2.3.
type Mode uint32

// The modes.
const (
	PointToPoint Mode = 1 // IP packets
	Ethernet     Mode = 2 // frames
)

// Any is the unit of a device that the system chooses.
const Any = -1

// MaxPacket is the longest packet or frame of a device, in bytes: an IP packet
// with what an Ethernet frame has before it and a VLAN tag.
const MaxPacket = 65535 + 14 + 4

// ErrMode says that there is no such mode.
var ErrMode = errors.New("no such kind of network device")

// A Device is an open network device. Each Read is one packet, and so is each
// Write. A Read waits until there is one or the device is closed.
type Device struct {
	Name string // of the interface, such as "tun0"
	*os.File
}

// name is the pattern of the interfaces of a mode, for the system to fill in.
func (m Mode) name() (string, error) {
	switch m {
	case PointToPoint:
		return "tun%d", nil
	case Ethernet:
		return "tap%d", nil
	}
	return "", fmt.Errorf("%w: %d", ErrMode, m)
}
