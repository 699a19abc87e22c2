package putty

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
)

// Marshal returns the .reg file: version 5, UTF-16, as regedit exports it, or
// version 4 where ansi is set, for old machines. What version 4 has no letter
// for (it is written as Latin-1) is refused.
func (r *Reg) Marshal(ansi bool) ([]byte, error) {
	w := &regWriter{wide: !ansi}
	head := regHead5
	if ansi {
		head = regHead4
	}
	w.text.WriteString(head + "\r\n\r\n")
	for _, k := range r.tree.list {
		w.text.WriteString("[" + regRoot + `\` + k.path + "]\r\n")
		for _, v := range k.values {
			w.value(v)
		}
		w.text.WriteString("\r\n")
	}
	if ansi {
		return latin1(w.text.String())
	}
	return append([]byte{0xff, 0xfe}, utf16Bytes(w.text.String())...), nil
}

type regWriter struct {
	text strings.Builder
	wide bool
}

func (w *regWriter) value(v value) {
	name := "@"
	if v.name != "" {
		name = quote(v.name)
	}
	switch v.kind {
	case kindText:
		w.text.WriteString(name + "=" + quote(v.text) + "\r\n")
	case kindNumber:
		fmt.Fprintf(&w.text, "%s=dword:%08x\r\n", name, v.num)
	case kindList:
		w.bytes(name+"=hex(7):", w.joinList(v.list))
	case 3:
		w.bytes(name+"=hex:", v.raw)
	default:
		w.bytes(fmt.Sprintf("%s=hex(%x):", name, v.kind), v.raw)
	}
}

func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

func (w *regWriter) joinList(list []string) []byte {
	text := ""
	for _, part := range list {
		text += part + "\x00"
	}
	text += "\x00"
	if w.wide {
		return utf16Bytes(text)
	}
	b, err := latin1(text)
	if err != nil {
		return []byte(text)
	}
	return b
}

// bytes breaks lines where regedit does: before column 77.
func (w *regWriter) bytes(head string, raw []byte) {
	const width = 76
	w.text.WriteString(head)
	column := len(head)
	for i, b := range raw {
		word := fmt.Sprintf("%02x", b)
		if i < len(raw)-1 {
			word += ","
		}
		if column+len(word) > width && i > 0 {
			w.text.WriteString("\\\r\n  ")
			column = 2
		}
		w.text.WriteString(word)
		column += len(word)
	}
	w.text.WriteString("\r\n")
}

func utf16Bytes(text string) []byte {
	var b []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, unit)
	}
	return b
}

func latin1(text string) ([]byte, error) {
	var b []byte
	for _, r := range text {
		if r > 0xff {
			return nil, fmt.Errorf("%q has no place in a .reg file of version 4: write version 5", r)
		}
		b = append(b, byte(r))
	}
	return b, nil
}
