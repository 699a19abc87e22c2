//go:build linux || darwin || freebsd

package term

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// A flagSet is one of the four words of flags in a termios.
type flagSet int

const (
	input flagSet = iota
	local
	output
	controls
)

// A flagMode is an opcode that stands for a bit.
type flagMode struct {
	op   byte
	set  flagSet
	mask tcflag
}

// A charMode is an opcode that stands for a special character.
type charMode struct {
	op byte
	at int // in Cc
}

// noChar is what a peer sends for "no such character" (RFC 4254, section 8).
const noChar = 255

func flagsOf(t *unix.Termios, set flagSet) *tcflag {
	switch set {
	case input:
		return &t.Iflag
	case local:
		return &t.Lflag
	case output:
		return &t.Oflag
	}
	return &t.Cflag
}

// charModes and flagModes are what every Unix has; moreChars and moreFlags are
// the system's own.
func charModes() []charMode {
	return append([]charMode{
		{1, unix.VINTR}, {2, unix.VQUIT}, {3, unix.VERASE}, {4, unix.VKILL}, {5, unix.VEOF}, {6, unix.VEOL},
		{7, unix.VEOL2}, {8, unix.VSTART}, {9, unix.VSTOP}, {10, unix.VSUSP},
		{12, unix.VREPRINT}, {13, unix.VWERASE}, {14, unix.VLNEXT}, {18, unix.VDISCARD},
	}, moreChars()...)
}

func flagModes() []flagMode {
	return append([]flagMode{
		{30, input, unix.IGNPAR}, {31, input, unix.PARMRK}, {32, input, unix.INPCK}, {33, input, unix.ISTRIP},
		{34, input, unix.INLCR}, {35, input, unix.IGNCR}, {36, input, unix.ICRNL}, {38, input, unix.IXON},
		{39, input, unix.IXANY}, {40, input, unix.IXOFF}, {41, input, unix.IMAXBEL},
		{50, local, unix.ISIG}, {51, local, unix.ICANON}, {opECHO, local, unix.ECHO}, {54, local, unix.ECHOE},
		{55, local, unix.ECHOK}, {56, local, unix.ECHONL}, {57, local, unix.NOFLSH}, {58, local, unix.TOSTOP},
		{59, local, unix.IEXTEN}, {60, local, unix.ECHOCTL}, {61, local, unix.ECHOKE}, {62, local, unix.PENDIN},
		{70, output, unix.OPOST}, {72, output, unix.ONLCR}, {73, output, unix.OCRNL},
		{74, output, unix.ONOCR}, {75, output, unix.ONLRET},
		{92, controls, unix.PARENB}, {93, controls, unix.PARODD},
	}, moreFlags()...)
}

// ReadModes returns a terminal's modes, its speeds first, as a client sends them
// with pty-req.
func ReadModes(f *os.File) (Modes, error) {
	t, err := getTermios(f)
	if err != nil {
		return nil, fmt.Errorf("reading terminal modes: %w", err)
	}
	in, out := speeds(t)
	modes := Modes{{opOSpeed, out}, {opISpeed, in}}
	for _, c := range charModes() {
		value := uint32(t.Cc[c.at])
		if t.Cc[c.at] == disabled {
			value = noChar
		}
		modes = append(modes, Mode{c.op, value})
	}
	for _, m := range flagModes() {
		modes = append(modes, Mode{m.op, bit(*flagsOf(t, m.set)&m.mask != 0)})
	}
	size := t.Cflag & unix.CSIZE // two bits, four sizes: not a flag
	return append(modes, Mode{opCS7, bit(size == unix.CS7)}, Mode{opCS8, bit(size == unix.CS8)}), nil
}

func bit(v bool) uint32 {
	if v {
		return 1
	}
	return 0
}

// Apply sets a terminal's modes. Opcodes that the system doesn't have and speeds
// that it can't do are skipped; what the modes don't mention stays.
func (m Modes) Apply(f *os.File) error {
	if len(m) == 0 {
		return nil
	}
	t, err := getTermios(f)
	if err != nil {
		return fmt.Errorf("reading terminal modes: %w", err)
	}
	chars, flags := charModes(), flagModes()
	for _, mode := range m {
		mode.apply(t, chars, flags)
	}
	if err := setTermios(f, t); err != nil {
		return fmt.Errorf("setting terminal modes: %w", err)
	}
	return nil
}

func (m Mode) apply(t *unix.Termios, chars []charMode, flags []flagMode) {
	switch m.Op {
	case opISpeed, opOSpeed:
		setSpeed(t, m.Op == opISpeed, m.Value)
		return
	case opCS7, opCS8:
		m.applySize(t)
		return
	}
	for _, c := range chars {
		if c.op == m.Op {
			t.Cc[c.at] = byte(m.Value)
			if m.Value == noChar {
				t.Cc[c.at] = disabled
			}
			return
		}
	}
	for _, fm := range flags {
		if fm.op == m.Op {
			word := flagsOf(t, fm.set)
			*word &^= fm.mask
			if m.Value != 0 {
				*word |= fm.mask
			}
			return
		}
	}
}

// applySize sets the character size. OpenSSH sends both CS7 and CS8 for eight
// bits, CS8 last; a zero says nothing about which other size is meant.
func (m Mode) applySize(t *unix.Termios) {
	if m.Value == 0 {
		return
	}
	size := tcflag(unix.CS7)
	if m.Op == opCS8 {
		size = unix.CS8
	}
	t.Cflag = t.Cflag&^unix.CSIZE | size
}

func getTermios(f *os.File) (t *unix.Termios, err error) {
	if e := control(f, func(fd int) { t, err = unix.IoctlGetTermios(fd, ioctlGet) }); e != nil {
		return nil, e
	}
	return t, err
}

func setTermios(f *os.File, t *unix.Termios) (err error) {
	if e := control(f, func(fd int) { err = unix.IoctlSetTermios(fd, ioctlSet, t) }); e != nil {
		return e
	}
	return err
}
