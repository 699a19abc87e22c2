package term

import "golang.org/x/sys/unix"

type tcflag = uint32

func moreFlags() []flagMode { return nil }

func setSpeed(t *unix.Termios, in bool, speed uint32) {
	switch {
	case speed > maxSpeed:
	case in:
		t.Ispeed = speed
	default:
		t.Ospeed = speed
	}
}
