package term

import (
	"io"
	"os"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Keys is what reads a console, nil for a file that is none. A raw one gives
// UTF-8, and the sequences of an xterm for keys without a character: a console
// makes them itself where it can; one that is older has its events translated.
// A console that reads lines gives them with a Unix line end. Close leaves the
// console open.
//
// A raw console's os.File would not do: it takes ^Z for the end, and knows no
// keys without a character.
func Keys(f *os.File) io.ReadCloser {
	var mode uint32
	var err error
	if control(f, func(fd int) { err = windows.GetConsoleMode(windows.Handle(fd), &mode) }) != nil || err != nil {
		return nil
	}
	if mode&windows.ENABLE_LINE_INPUT != 0 {
		return &lineReader{file: f}
	}
	return &keyReader{file: f, read: windows.NewLazySystemDLL("kernel32.dll").NewProc("ReadConsoleInputW")}
}

// A lineReader takes the carriage return out of a console's line ends.
type lineReader struct{ file *os.File }

func (l *lineReader) Read(b []byte) (int, error) {
	for {
		n, err := l.file.Read(b)
		kept := b[:0]
		for _, c := range b[:n] {
			if c != '\r' {
				kept = append(kept, c)
			}
		}
		if len(kept) > 0 || err != nil || n == 0 {
			return len(kept), err
		}
	}
}

// Close leaves the console open.
func (*lineReader) Close() error { return nil }

// A keyReader turns a console's events into bytes. One goroutine may use it.
type keyReader struct {
	file   *os.File
	read   *windows.LazyProc
	events [128]inputRecord
	ready  []byte // what the caller's buffer had no room for
	high   rune   // the first half of a surrogate pair; 0 for none
}

// inputRecord is an INPUT_RECORD with a KEY_EVENT_RECORD in its union
// (wincon.h).
type inputRecord struct {
	kind    uint16
	_       uint16
	down    int32
	repeat  uint16
	key     uint16 // of winuser.h's VK_
	_       uint16 // scan code
	char    uint16 // UTF-16
	control uint32
}

// keyEvent is KEY_EVENT (wincon.h).
const keyEvent = 1

// Of wincon.h: which of the other keys are down.
const (
	rightAlt  = 0x01
	leftAlt   = 0x02
	rightCtrl = 0x04
	leftCtrl  = 0x08
	shift     = 0x10
)

// Of winuser.h.
const (
	keyBack  = 0x08
	keyTab   = 0x09
	keyAlt   = 0x12
	keySpace = 0x20
	keyTwo   = 0x32
)

func (k *keyReader) Read(b []byte) (int, error) {
	for len(k.ready) == 0 {
		var n uint32
		var ok uintptr
		var failure error
		if err := control(k.file, func(fd int) {
			ok, _, failure = k.read.Call(uintptr(fd), uintptr(unsafe.Pointer(&k.events[0])), uintptr(len(k.events)), uintptr(unsafe.Pointer(&n)))
		}); err != nil {
			return 0, err
		}
		if ok == 0 {
			return 0, &os.PathError{Op: "read", Path: k.file.Name(), Err: failure}
		}
		for i := range k.events[:n] {
			if e := &k.events[i]; e.kind == keyEvent {
				k.take(e)
			}
		}
	}
	n := copy(b, k.ready)
	k.ready = k.ready[n:]
	return n, nil
}

// Close leaves the console open.
func (*keyReader) Close() error { return nil }

// take appends what one event stands for.
func (k *keyReader) take(e *inputRecord) {
	// Letting Alt go ends a character that was composed of digits.
	if e.down == 0 && (e.key != keyAlt || e.char == 0) {
		return
	}
	for range max(1, min(e.repeat, 64)) {
		if e.char == 0 {
			k.ready = appendKey(k.ready, e)
		} else {
			k.character(e)
		}
	}
}

// character appends a character in UTF-8, as the keys with it make it.
func (k *keyReader) character(e *inputRecord) {
	c := rune(e.char)
	switch {
	case utf16.IsSurrogate(c) && k.high == 0:
		k.high = c
		return
	case k.high != 0:
		c, k.high = utf16.DecodeRune(k.high, c), 0
	}
	// A right Alt with Ctrl is AltGr, which belongs to the character.
	altGr := e.control&rightAlt != 0 && e.control&leftCtrl != 0
	if e.down != 0 && e.key != 0 && e.control&(leftAlt|rightAlt) != 0 && !altGr {
		k.ready = append(k.ready, '\x1b')
	}
	switch {
	case e.key == keyTab && e.control&shift != 0:
		k.ready = append(k.ready, "\x1b[Z"...)
	case e.key == keyBack && c == '\b':
		k.ready = append(k.ready, 0x7f) // as every Unix terminal's
	case e.key == keyBack && c == 0x7f:
		k.ready = append(k.ready, '\b')
	case e.key == keySpace && c == ' ' && e.control&(leftCtrl|rightCtrl) != 0 && !altGr:
		k.ready = append(k.ready, 0)
	default:
		k.ready = utf8.AppendRune(k.ready, c)
	}
}

// sequences are what an xterm sends for keys without a character (XTerm Control
// Sequences, "PC-Style Function Keys"): a letter after CSI or SS3, or a number
// before "~".
func sequences(key uint16) (letter byte, number string) {
	const (
		pageUp = 0x21 // VK_PRIOR, then VK_NEXT, VK_END, VK_HOME and the arrows
		insert = 0x2d // then VK_DELETE
		f1     = 0x70
	)
	function := [...]string{"15~", "17~", "18~", "19~", "20~", "21~", "23~", "24~"} // F5 and on
	switch {
	case key >= pageUp && key <= pageUp+1:
		return 0, [...]string{"5~", "6~"}[key-pageUp]
	case key > pageUp+1 && key <= pageUp+7:
		return "FHDACB"[key-pageUp-2], ""
	case key >= insert && key <= insert+1:
		return 0, [...]string{"2~", "3~"}[key-insert]
	case key >= f1 && key < f1+4:
		return "PQRS"[key-f1], ""
	case key >= f1+4 && int(key-f1-4) < len(function):
		return 0, function[key-f1-4]
	}
	return 0, ""
}

// appendKey appends the sequence of a key that has no character.
func appendKey(b []byte, e *inputRecord) []byte {
	ctrl := e.control&(leftCtrl|rightCtrl) != 0
	if ctrl && (e.key == keySpace || e.key == keyTwo) {
		return append(b, 0)
	}
	modifier := byte('1')
	for _, m := range [...]struct {
		down bool
		n    byte
	}{{e.control&shift != 0, 1}, {e.control&(leftAlt|rightAlt) != 0, 2}, {ctrl, 4}} {
		if m.down {
			modifier += m.n
		}
	}
	letter, number := sequences(e.key)
	switch {
	case letter != 0 && modifier != '1':
		return append(b, "\x1b[1;"+string(modifier)+string(letter)...)
	case letter >= 'P':
		return append(b, "\x1bO"+string(letter)...)
	case letter != 0:
		return append(b, "\x1b["+string(letter)...)
	case number != "" && modifier != '1':
		return append(b, "\x1b["+number[:len(number)-1]+";"+string(modifier)+"~"...)
	case number != "":
		return append(b, "\x1b["+number...)
	}
	return b
}

// rawOutput has the console understand the sequences that programs write, and
// not return the cursor by itself. It returns what gives the console back.
func rawOutput() (restore func()) {
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	var before uint32
	set := func(mode uint32) (err error) {
		if e := control(out, func(fd int) { err = windows.SetConsoleMode(windows.Handle(fd), mode) }); e != nil {
			return e
		}
		return err
	}
	if control(out, func(fd int) { err = windows.GetConsoleMode(windows.Handle(fd), &before) }) != nil || err != nil {
		out.Close()
		return nil
	}
	const understand = windows.ENABLE_PROCESSED_OUTPUT | windows.ENABLE_WRAP_AT_EOL_OUTPUT | windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING
	if set(before|understand|windows.DISABLE_NEWLINE_AUTO_RETURN) != nil {
		_ = set(before | understand) // fails before Windows 10, which shows sequences as they are
	}
	return func() {
		_ = set(before)
		out.Close()
	}
}
