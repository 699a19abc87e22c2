package knownhosts

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nacre-ssh/nacre/keyfile"
)

// ErrKeep, from a [Rewrite]'s finish, says that the file is right as it is.
var ErrKeep = errors.New("nothing to change")

// Rewrite puts a new file in the place of an old one, line by line: edit writes
// what is to stand where a line stood, [Line.Keep] where nothing changes; finish
// adds what is to stand at the end, and has the last word. The old file stays
// beside the new one with ".old" behind its name. A process that dies at any
// moment leaves the old file or the new one, whole; others of ours that change
// the file wait for their turn.
func Rewrite(path string, edit func(w io.Writer, l *Line) error, finish func(w io.Writer) error) error {
	err := locked(path, os.O_RDONLY, func(f *os.File) error {
		return keyfile.WriteAside(path, 0, func(w io.Writer) error {
			err := Scan(f, func(l *Line) error {
				l.spill = w
				return edit(w, l)
			})
			doneReading(f)
			if err == nil {
				err = finish(w)
			}
			if err == nil {
				err = backUp(path)
			}
			return err
		})
	})
	if errors.Is(err, ErrKeep) {
		return nil
	}
	return err
}

// backUp gives the file a second name, or copies it where there are no links.
func backUp(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	old := path + ".old"
	if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(real, old) == nil {
		return nil
	}
	f, err := os.Open(real)
	if err != nil {
		return err
	}
	defer f.Close()
	return keyfile.WriteAside(old, 0, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
}
