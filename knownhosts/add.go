package knownhosts

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/nacre-ssh/nacre/key"
)

// Add appends a key for a host to a file, which it creates, with mode 0600, in
// a directory that it creates, with mode 0700, where need be. With hash the
// host's name can't be read back from the line. The line is written at once, so
// that other processes may append at the same time and a process that dies
// leaves a whole file; what [Rewrite] does at the time is waited for.
func Add(path, host string, port int, k key.Public, hash bool) error {
	text, err := lineOf(Name(host, port), k, hash)
	if err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("add a known host: %w", err)
	}
	err = locked(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, func(f *os.File) error {
		return appendLine(f, text)
	})
	if err != nil {
		return fmt.Errorf("add a known host: %w", err)
	}
	return nil
}

// lineOf is the line for a host's key, with its newline.
func lineOf(name string, k key.Public, hash bool) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	if hash {
		name = hashed(name)
	}
	return name + " " + k.Type() + " " + base64.StdEncoding.EncodeToString(k.Blob()) + "\n", nil
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
