package term

import "golang.org/x/sys/unix"

type tcflag = uint64

func moreFlags() []flagMode { return []flagMode{{opIUTF8, input, unix.IUTF8}} }

func setSpeed(t *unix.Termios, in bool, speed uint32) {
	switch {
	case speed > maxSpeed:
	case in:
		t.Ispeed = uint64(speed)
	default:
		t.Ospeed = uint64(speed)
	}
}
