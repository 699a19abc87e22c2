package keyfile

import (
	"io"
	"os"
	"syscall"

	"github.com/nacre-ssh/nacre/key"
)

// Load reads a private key file as ssh does: one that belongs to this user and
// that others can read or write is refused. The function passphrase is as for
// [ParsePrivate].
//
// The error is a *[LoadError] around one of: fs.ErrNotExist, fs.ErrPermission,
// *[PermissionsError], *[PassphraseError], *[FormatError], *[UnsupportedError],
// or what passphrase returned.
func Load(path string, passphrase func() ([]byte, error)) (k *key.Private, comment string, err error) {
	text, err := ReadPrivate(path)
	if err != nil {
		return nil, "", err
	}
	defer clear(text)
	k, comment, err = ParsePrivate(text, passphrase)
	if err != nil {
		return nil, "", &LoadError{path, err}
	}
	return k, comment, nil
}

// ReadPrivate returns the text of a private key file, whatever it holds, after
// [Load]'s check of its permissions. The caller owns it.
func ReadPrivate(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, loadError(path, err)
	}
	defer f.Close()
	// The open file is asked, not the path, which could be another by now.
	info, err := f.Stat()
	if err != nil {
		return nil, loadError(path, err)
	}
	if info.IsDir() {
		return nil, &LoadError{path, syscall.EISDIR}
	}
	if err := CheckPermissions(path, info); err != nil {
		return nil, &LoadError{path, err}
	}
	text, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, loadError(path, err)
	}
	return text, nil
}
