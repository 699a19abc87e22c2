package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// lines feeds each line of a file's text to the loader: handle sees the
// keyword first and says whether it took it (Host, Match, Include).
func (l *loader[T]) lines(name string, data []byte, handle func(keyword string, a *args, at Origin) (bool, error)) error {
	before := len(l.problems)
	for i, line := range strings.Split(string(data), "\n") {
		at := Origin{name, i + 1}
		if err := l.line(line, at, handle); err != nil {
			var nested *Error
			var refused *RefusedError
			if errors.As(err, &nested) && l.all {
				continue
			}
			if errors.As(err, &nested) || errors.As(err, &refused) {
				return err
			}
			l.problem(at, err)
		}
	}
	if len(l.problems) > before {
		return &Error{File: name, Problems: l.problems}
	}
	return nil
}

func (l *loader[T]) line(line string, at Origin, handle func(string, *args, Origin) (bool, error)) error {
	keyword, rest := cutKeyword(line)
	if keyword == "" {
		return nil
	}
	if rest == "" {
		if !l.cased {
			keyword = strings.ToLower(keyword)
		}
		return complain("no argument after keyword \"%s\"", printable(keyword))
	}
	words, err := splitWords(rest)
	if err != nil {
		return err
	}
	a := &args{words: words, text: rest}
	if done, err := handle(keyword, a, at); done || err != nil {
		return err
	}
	return l.set(keyword, a, at)
}

func (l *loader[T]) problem(at Origin, err error) {
	var unknown unknownKeyword
	if len(l.problems) < maxList {
		l.problems = append(l.problems, Problem{at, err.Error(), errors.As(err, &unknown)})
	}
}

// override applies one -o option, "key=value" or "key value".
func (l *loader[T]) override(option string) error {
	at := Origin{"command-line", 0}
	err := l.line(option, at, func(keyword string, a *args, at Origin) (bool, error) {
		switch strings.ToLower(keyword) {
		case "host", "match", "include":
			return true, fmt.Errorf("%s directive not supported as a command-line option", keyword)
		}
		return false, nil
	})
	if err != nil {
		l.problem(at, err)
		return &Error{Problems: l.problems}
	}
	return nil
}

// read returns a file's bytes. With strict its owner must be root or us, and
// nobody else may write to it.
func (l *loader[T]) read(name string, strict bool) ([]byte, error) {
	if l.files++; l.files > maxInclude {
		return nil, fmt.Errorf("%s: more than %d configuration files", name, maxInclude)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := l.mayTrust(f, strict); err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: longer than %d bytes", name, maxFile)
	}
	return data, nil
}

// mayTrust checks who may write a file. While looking for every problem it is
// one of them, and reading goes on.
func (l *loader[T]) mayTrust(f *os.File, strict bool) error {
	if !strict && !l.all {
		return nil
	}
	err := checkOwner(f)
	if err != nil && l.all {
		l.untrusted = append(l.untrusted, f.Name())
		return nil
	}
	return err
}

// included gives the files that an Include word stands for; a relative one is
// looked for in dir.
func included(word, dir, home string) ([]string, error) {
	word = inSystem(word)
	if len(word) > 1 && word[0] == '~' && os.IsPathSeparator(word[1]) {
		word = filepath.Join(home, word[2:])
	}
	if !filepath.IsAbs(word) {
		word = filepath.Join(dir, word)
	}
	names, err := filepath.Glob(word)
	if err != nil {
		return nil, complain("glob failed for %s.", printable(word))
	}
	return names, nil
}
