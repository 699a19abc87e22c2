package applet

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
)

// makeLink makes a hard link, which everybody may, and a copy where the
// directory is on another volume. Symbolic ones are for administrators.
func makeLink(target, path string) error {
	err := os.Link(target, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if _, statErr := os.Lstat(path); statErr == nil {
		return fs.ErrExist
	}
	return copyProgram(target, path)
}

func copyProgram(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := out.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			os.Remove(to)
		}
	}()
	_, err = io.Copy(out, in)
	return err
}

// sameText knows a copy.
func sameText(a, b string) bool {
	x, errA := sumOf(a)
	y, errB := sumOf(b)
	return errA == nil && errB == nil && bytes.Equal(x, y)
}

func sumOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	_, err = io.Copy(h, f)
	return h.Sum(nil), err
}

// doorName is a program's name as it was called, in any case.
func doorName(name string) string { return strings.ToLower(name) }
