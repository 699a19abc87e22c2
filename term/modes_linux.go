package term

import "golang.org/x/sys/unix"

type tcflag = uint32

const (
	ioctlGet = unix.TCGETS
	ioctlSet = unix.TCSETS
	disabled = 0 // _POSIX_VDISABLE
)

func moreChars() []charMode { return []charMode{{16, unix.VSWTC}} }

func moreFlags() []flagMode {
	return []flagMode{
		{37, input, unix.IUCLC}, {opIUTF8, input, unix.IUTF8}, {52, local, unix.XCASE}, {71, output, unix.OLCUC},
	}
}

// A baud is a speed and its code in the control flags.
type baud struct {
	speed uint32
	code  tcflag
}

func bauds() []baud {
	return []baud{
		{0, unix.B0}, {50, unix.B50}, {75, unix.B75}, {110, unix.B110}, {134, unix.B134}, {150, unix.B150},
		{200, unix.B200}, {300, unix.B300}, {600, unix.B600}, {1200, unix.B1200}, {1800, unix.B1800}, {2400, unix.B2400},
		{4800, unix.B4800}, {9600, unix.B9600}, {19200, unix.B19200}, {38400, unix.B38400}, {57600, unix.B57600},
		{115200, unix.B115200}, {230400, unix.B230400}, {460800, unix.B460800}, {500000, unix.B500000},
		{576000, unix.B576000}, {921600, unix.B921600}, {1000000, unix.B1000000}, {1152000, unix.B1152000},
		{1500000, unix.B1500000}, {2000000, unix.B2000000}, {2500000, unix.B2500000}, {3000000, unix.B3000000},
		{3500000, unix.B3500000}, {4000000, unix.B4000000},
	}
}

// inputShift moves the input speed's code above the output speed's
// (IBSHIFT in asm-generic/termbits.h); code 0 there means "the same".
const inputShift = 16

func speeds(t *unix.Termios) (in, out uint32) {
	out = speedOf(t.Cflag & unix.CBAUD)
	if code := t.Cflag >> inputShift & unix.CBAUD; code != 0 {
		return speedOf(code), out
	}
	return out, out
}

func speedOf(code tcflag) uint32 {
	for _, b := range bauds() {
		if b.code == code {
			return b.speed
		}
	}
	return 9600 // as OpenSSH says for a code it doesn't know
}

func setSpeed(t *unix.Termios, in bool, speed uint32) {
	for _, b := range bauds() {
		switch {
		case b.speed != speed:
		case in:
			t.Cflag = t.Cflag&^(unix.CBAUD<<inputShift) | b.code<<inputShift
		default:
			t.Cflag = t.Cflag&^unix.CBAUD | b.code
		}
	}
}
