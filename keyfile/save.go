package keyfile

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nacre-ssh/nacre/key"
)

// SavePrivate writes a private key to a file that only its owner can read, as
// openssh-key-v1, in the place of what was there.
func SavePrivate(path string, k *key.Private, comment string, passphrase []byte) error {
	text, err := MarshalPrivate(k, comment, passphrase)
	if err != nil {
		return err
	}
	defer clear(text)
	return WriteAside(path, 0o600, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// WriteAside replaces a file in one step: write fills a new one beside it,
// which takes the old one's name when it is complete and on the disk. A process
// that dies at any moment leaves the old file or the new one, whole. A symbolic
// link is followed. Mode 0 keeps the old file's, or is 0600 where there is
// none. What is no file, such as /dev/stdout, is written to.
func WriteAside(path string, mode fs.FileMode, write func(io.Writer) error) (err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	old, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if old != nil && !old.Mode().IsRegular() {
		return writeThrough(path, write)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if old != nil {
		keepOwner(f, old)
	}
	if err := setMode(f, mode, old); err != nil {
		return err
	}
	w := bufio.NewWriterSize(f, 64*1024)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writeThrough writes to a device or a pipe, which a file must not replace.
func writeThrough(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
