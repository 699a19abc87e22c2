package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

func (l *clientLoader) readFiles() error {
	switch {
	case strings.EqualFold(l.q.File, "none"):
		return nil
	case l.q.File != "":
		l.usual = true
		if err := l.readFile(l.q.File, false); err != nil {
			if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
				return complain("Can't open user config file %s: %v", printable(l.q.File), cause(err))
			}
			return err
		}
		return nil
	}
	l.usual = true
	if err := l.readFile(filepath.Join(l.q.Home, ".ssh", "config"), true); l.ends(err) {
		return err
	}
	l.usual = false
	if err := l.readFile(filepath.Join(l.q.SystemDir, "ssh_config"), false); l.ends(err) {
		return err
	}
	return nil
}

// ends leaves out what a usual file may do: be missing or unreadable. While
// every problem is looked for, bad lines don't end reading.
func (l *clientLoader) ends(err error) bool {
	if bad := new(Error); l.all && errors.As(err, &bad) {
		return false
	}
	return err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission)
}

// cause takes the operation and the path off a file error.
func cause(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func (l *clientLoader) readFile(name string, strict bool) error {
	data, err := l.read(name, strict)
	if err != nil {
		return err
	}
	l.step("Reading configuration data %s", name)
	return l.parse(name, data)
}

func (l *clientLoader) parse(name string, data []byte) error {
	l.active, l.here = true, nil
	return l.lines(name, data, l.block)
}

// block handles the keywords that steer reading instead of setting a value.
func (l *clientLoader) block(keyword string, a *args, at Origin) (bool, error) {
	switch strings.ToLower(keyword) {
	case "host":
		l.open(blockLine{kind: "Host", words: a.words, at: at})
		err := l.hostLine(a)
		if l.here.held = l.active; l.active {
			l.step("%s line %d: Applying options for %s", at.File, at.Line, l.applied)
		}
		return true, l.keywordError(keyword, err)
	case "match":
		l.open(blockLine{kind: "Match", words: a.words, at: at})
		err := l.matchLine(a)
		l.active = l.active && !l.never
		l.here.held = l.active
		return true, err
	case "include":
		return true, l.includeLine(keyword, a)
	}
	return false, nil
}

// hostLine opens a block for the hosts that match its patterns.
func (l *clientLoader) hostLine(a *args) error {
	l.active = false
	patterns, err := a.all()
	if err != nil {
		return err
	}
	for _, word := range patterns {
		if l.never {
			return nil
		}
		word, negated := strings.CutPrefix(word, "!")
		if !pattern.Match(l.matchOn, word) {
			continue
		}
		if !l.active {
			l.applied = word
		}
		if l.active = !negated; negated {
			return nil
		}
	}
	return nil
}

// includeLine reads other files as if they stood here; a block that one of them
// opens ends with it.
func (l *clientLoader) includeLine(keyword string, a *args) error {
	dir := l.q.SystemDir
	if l.usual {
		dir = filepath.Join(l.q.Home, ".ssh")
	}
	list, err := a.all()
	if err != nil {
		return l.keywordError(keyword, err)
	}
	l.fillTokens()
	for _, word := range list {
		word, err := l.t.expand(word, "", true)
		if err != nil {
			return err
		}
		if strings.HasPrefix(word, "~") && !l.usual {
			return complain("bad include path %s.", printable(word))
		}
		names, err := included(word, dir, l.q.Home)
		if err != nil {
			return err
		}
		if err := l.includeFiles(names); err != nil {
			return err
		}
	}
	return nil
}

// A blockLine is a Host or Match line, and the block around the Include that led
// to its file.
type blockLine struct {
	kind  string
	words []string
	at    Origin
	outer *blockLine
	held  bool // it is for this connection
}

// maxSteps is how many steps of the reading are remembered.
const maxSteps = 256

// step remembers what was read, in OpenSSH's words.
func (l *clientLoader) step(format string, values ...any) {
	if len(l.steps) < maxSteps {
		l.steps = append(l.steps, printable(fmt.Sprintf(format, values...)))
	}
}

// open begins a block, which ends the one before it in the same file.
func (l *clientLoader) open(b blockLine) {
	b.outer = l.outer
	l.here = &b
	if l.opened != nil {
		l.opened(&b)
	}
}

// includeFiles reads files in place; inside a block that doesn't apply their
// lines are only checked.
func (l *clientLoader) includeFiles(names []string) error {
	if l.depth++; l.depth > maxDepth {
		return errors.New("too many recursive configuration includes")
	}
	active, never, here, outer := l.active, l.never, l.here, l.outer
	defer func() { l.depth--; l.active, l.never, l.here, l.outer = active, never, here, outer }()
	l.never, l.outer = never || !active, here
	for _, name := range names {
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			continue
		}
		data, err := l.read(name, true)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		l.step("Reading configuration data %s", name)
		l.active, l.here = active, here
		if err := l.lines(name, data, l.block); err != nil {
			return err
		}
	}
	return nil
}
