package knownhosts

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

// Add appends a key for a host to a file, which it creates, with mode 0600, in
// a directory that it creates, with mode 0700, where need be. With hash the
// host's name can't be read back from the line. The line is written at once, so
// that other processes may append at the same time and a process that dies
// leaves a whole file.
func Add(path, host string, port int, k key.Public, hash bool) error {
	name := Name(host, port)
	if err := checkName(name); err != nil {
		return err
	}
	if hash {
		name = hashed(name)
	}
	text := name + " " + k.Type() + " " + base64.StdEncoding.EncodeToString(k.Blob()) + "\n"
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("add a known host: %w", err)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("add a known host: %w", err)
	}
	err = appendLine(f, text)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("add a known host: %w", err)
	}
	return nil
}

// appendLine begins a new line first when the last one was never ended.
func appendLine(f *os.File, text string) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	size := info.Size()
	if size > 0 {
		var last [1]byte
		if _, err := f.ReadAt(last[:], size-1); err != nil {
			return err
		}
		if last[0] != '\n' {
			text = "\n" + text
		}
	}
	n, err := f.WriteString(text)
	if err == nil {
		return nil
	}
	// A full disk: take back what was written, unless somebody else has
	// appended since.
	if info, statErr := f.Stat(); statErr == nil && n > 0 && info.Size() == size+int64(n) {
		_ = f.Truncate(size)
	}
	return err
}

func hashed(name string) string {
	var salt [sha1.Size]byte
	rand.Read(salt[:])
	sum := hashName(salt, name)
	return hashMagic + base64.StdEncoding.EncodeToString(salt[:]) + "|" + base64.StdEncoding.EncodeToString(sum[:])
}

// checkName refuses what would mean something else in a line than a host's
// name.
func checkName(name string) error {
	if name == "" || len(name) > maxName {
		return fmt.Errorf("host name has %d bytes, 1 to %d are taken", len(name), maxName)
	}
	if strings.ContainsAny(name, "*?,\"'") || strings.ContainsRune("|!#@", rune(name[0])) {
		return fmt.Errorf("host name %q holds a character that can't be stored", name)
	}
	for _, c := range []byte(name) {
		if c <= ' ' || c == 0x7f {
			return fmt.Errorf("host name %q holds a blank or a control character", name)
		}
	}
	return nil
}

var errNotFound = errors.New("host is not in the file")

// Remove takes every line for a host out of a file, as ssh-keygen -R does, and
// returns their numbers, none if there was no such line. The name is as [Name]
// returns it. Comments, order, lines that can't be read and lines with a marker
// stay; the old file stays beside the new one with ".old" behind its name.
func Remove(path, name string) (removed []int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("remove a known host: %w", err)
	}
	defer f.Close()
	err = keyfile.WriteAside(path, 0, func(w io.Writer) error {
		if removed, err = filter(f, w, lower(name)); err != nil {
			return err
		}
		if len(removed) == 0 {
			return errNotFound
		}
		return backUp(path)
	})
	if errors.Is(err, errNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("remove a known host: %w", err)
	}
	return removed, nil
}

func filter(r io.Reader, w io.Writer, name string) (removed []int, err error) {
	lines := newScanner(r)
	for {
		if err := lines.next(w); err == io.EOF {
			return removed, nil
		} else if err != nil {
			return nil, err
		}
		if l, ok := lines.names(); ok && l.marker == Plain && matches(l.names, name) && l.split() {
			removed = append(removed, l.number)
			continue
		}
		if _, err := w.Write(lines.raw); err != nil {
			return nil, err
		}
	}
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
