package putty

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// The first line of a .reg file, by its version.
const (
	regHead4 = "REGEDIT4"
	regHead5 = "Windows Registry Editor Version 5.00"
)

// ParseReg reads a .reg file of either version, as regedit exports it: the whole
// of PuTTY's key, or one session. What is outside of PuTTY's key is passed over.
func ParseReg(file []byte) (*Reg, error) {
	if len(file) > MaxFile {
		return nil, fmt.Errorf(".reg file has %d bytes, at most %d are read", len(file), MaxFile)
	}
	p := &regParser{text: regText(file), line: 1, reg: NewReg()}
	head, _, _ := strings.Cut(p.text, "\n")
	switch strings.TrimRight(head, "\r ") {
	case regHead4:
	case regHead5:
		p.wide = true
	default:
		return nil, errors.New(".reg file has neither of the first lines that regedit writes")
	}
	p.skipLine()
	for p.text != "" {
		if err := p.entry(); err != nil {
			return nil, fmt.Errorf(".reg file, line %d: %w", p.line, err)
		}
	}
	return p.reg, nil
}

// regText is a file's text as UTF-8: version 5 is UTF-16 with a mark before it,
// version 4 has the code page of the machine that wrote it, which for what is
// not UTF-8 is taken to be Latin-1.
func regText(file []byte) string {
	if len(file) >= 2 && file[0] == 0xff && file[1] == 0xfe {
		return utf16Text(file[2:])
	}
	text := strings.TrimPrefix(string(file), "\ufeff")
	if utf8.ValidString(text) {
		return text
	}
	return latin1Text(text)
}

func utf16Text(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}

func latin1Text(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// A regParser is at the beginning of a line between two entries.
type regParser struct {
	text  string // what is left
	line  int
	wide  bool // version 5
	reg   *Reg
	path  string // of the key at hand
	ours  bool   // it is PuTTY's or below that
	count int
}

func (p *regParser) skipLine() {
	_, p.text, _ = strings.Cut(p.text, "\n")
	p.line++
}

// advance steps over n bytes.
func (p *regParser) advance(n int) {
	p.line += strings.Count(p.text[:n], "\n")
	p.text = p.text[n:]
}

var errRegLine = errors.New("it is neither a key nor a value")

func (p *regParser) entry() error {
	line, _, _ := strings.Cut(p.text, "\n")
	line = strings.TrimSpace(line)
	switch {
	case line == "" || line[0] == ';':
		p.skipLine()
		return nil
	case line[0] == '[':
		return p.key(line)
	case line[0] == '"' || line[0] == '@':
		return p.value()
	}
	return errRegLine
}

func (p *regParser) key(line string) error {
	path, ok := strings.CutSuffix(line[1:], "]")
	if !ok {
		return errors.New("the name of a key doesn't end with ]")
	}
	path, gone := strings.CutPrefix(path, "-")
	p.path, p.ours = belowRoot(path)
	if p.count++; p.count > MaxSettings {
		return fmt.Errorf("there are more than %d keys and values", MaxSettings)
	}
	switch {
	case gone && p.ours:
		_ = p.reg.tree.deleteKey(p.path) // it may never have been there
		p.reg.deletions = append(p.reg.deletions, deletion{path: p.path, whole: true})
		p.ours = false
	case p.ours && p.path != "":
		p.reg.tree.grow(p.path)
	}
	p.skipLine()
	return nil
}

func belowRoot(path string) (rest string, ok bool) {
	if strings.EqualFold(path, regRoot) {
		return "", true
	}
	return cutFold(path, regRoot+`\`)
}

// value reads one, which may be longer than a line.
func (p *regParser) value() error {
	p.advance(len(p.text) - len(strings.TrimLeft(p.text, " \t")))
	var v value
	var err error
	if p.text[0] == '@' {
		p.advance(1)
	} else if v.name, err = p.quoted(); err != nil {
		return err
	}
	if !strings.HasPrefix(p.text, "=") {
		return errors.New("a value's name has no = behind it")
	}
	p.advance(1)
	if p.count++; p.count > MaxSettings {
		return fmt.Errorf("there are more than %d keys and values", MaxSettings)
	}
	gone := strings.HasPrefix(p.text, "-")
	if !gone {
		err = p.data(&v)
	}
	if err != nil {
		return err
	}
	p.skipLine()
	switch {
	case !p.ours:
	case gone:
		_ = p.reg.tree.deleteValue(p.path, v.name)
		p.reg.deletions = append(p.reg.deletions, deletion{path: p.path, name: v.name})
	default:
		return p.reg.tree.setValue(p.path, v)
	}
	return nil
}

func (p *regParser) data(v *value) (err error) {
	if strings.HasPrefix(p.text, `"`) {
		v.kind = kindText
		v.text, err = p.quoted()
		return err
	}
	line, _, _ := strings.Cut(p.text, "\n")
	if digits, ok := cutFold(strings.TrimSpace(line), "dword:"); ok {
		n, err := strconv.ParseUint(digits, 16, 32)
		v.kind, v.num = kindNumber, uint32(n)
		return err
	}
	return p.hex(v)
}

// quoted reads a text in quotes, in which a backslash keeps the meaning of what
// follows from it.
func (p *regParser) quoted() (string, error) {
	var b strings.Builder
	for i := 1; i < len(p.text); i++ {
		switch c := p.text[i]; {
		case c == '"':
			p.advance(i + 1)
			return b.String(), nil
		case c == '\\' && i+1 < len(p.text):
			i++
			b.WriteByte(p.text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a text doesn't end with a quote")
}

// hex reads "hex:" or "hex(kind):" and bytes; a backslash ends a line that goes
// on in the next.
func (p *regParser) hex(v *value) error {
	rest, ok := cutFold(p.text, "hex")
	if !ok {
		return errors.New("a value is of no known form")
	}
	v.kind = 3 // REG_BINARY
	if inner, ok := strings.CutPrefix(rest, "("); ok {
		kind, after, ok := strings.Cut(inner, ")")
		n, err := strconv.ParseUint(kind, 16, 32)
		if !ok || err != nil {
			return errors.New("a value's kind is none")
		}
		v.kind, rest = uint32(n), after
	}
	rest, ok = strings.CutPrefix(rest, ":")
	if !ok {
		return errors.New("a value's kind has no : behind it")
	}
	p.advance(len(p.text) - len(rest))
	raw, err := p.bytes()
	if err != nil {
		return err
	}
	if v.raw = raw; v.kind == kindList {
		v.list = splitList(raw, p.wide)
	}
	return nil
}

func (p *regParser) bytes() ([]byte, error) {
	var raw []byte
	for {
		line, _, _ := strings.Cut(p.text, "\n")
		line = strings.TrimSpace(line)
		line, more := strings.CutSuffix(line, `\`)
		for word := range strings.SplitSeq(line, ",") {
			if word = strings.TrimSpace(word); word == "" {
				continue
			}
			n, err := strconv.ParseUint(word, 16, 8)
			if err != nil {
				return nil, errors.New("a byte is none")
			}
			raw = append(raw, byte(n))
		}
		if !more || p.text == "" {
			return raw, nil
		}
		p.skipLine()
	}
}

// splitList reads texts that each end with a zero.
func splitList(raw []byte, wide bool) []string {
	text := string(raw)
	if wide {
		text = utf16Text(raw)
	} else if !utf8.ValidString(text) {
		text = latin1Text(text)
	}
	var list []string
	for part := range strings.SplitSeq(text, "\x00") {
		if part == "" {
			break
		}
		list = append(list, part)
	}
	return list
}
