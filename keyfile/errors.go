package keyfile

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
)

// A PassphraseError says that a private key is encrypted and did not open.
type PassphraseError struct {
	// Wrong tells a wrong passphrase from one that was never given.
	Wrong bool
	// Public is the public half, where the file shows it without the
	// passphrase; else nil.
	Public key.Public
}

func (e *PassphraseError) Error() string {
	if e.Wrong {
		return "incorrect passphrase supplied to decrypt private key"
	}
	return "private key is encrypted and no passphrase was given"
}

// A PermissionsError says that others than its owner can use a private key
// file.
type PermissionsError struct {
	Path string
	Mode fs.FileMode // on Unix
	Who  string      // on Windows: one of those others
	Cure string      // on Windows: the command that makes it private
}

func (e *PermissionsError) Error() string {
	if e.Who != "" {
		return fmt.Sprintf("%s may read '%s', which holds a private key; run: %s", e.Who, e.Path, e.Cure)
	}
	return fmt.Sprintf("permissions %04o for '%s' are too open; run: chmod 600 %s", e.Mode.Perm(), e.Path, getopt.Quoted(e.Path))
}

// Warning is the text that OpenSSH prints, several lines with a final newline.
func (e *PermissionsError) Warning() string {
	bar := strings.Repeat("@", 59) + "\n"
	what := fmt.Sprintf("Permissions 0%03o for '%s' are too open.\n", e.Mode.Perm(), e.Path)
	if e.Who != "" {
		what = fmt.Sprintf("Permissions for '%s' are too open: %s may read it.\n", e.Path, e.Who)
	}
	return bar + "@         WARNING: UNPROTECTED PRIVATE KEY FILE!          @\n" + bar +
		what +
		"It is required that your private key files are NOT accessible by others.\n" +
		"This private key will be ignored.\n"
}

// A FormatError says that something is not a key, or a damaged one.
type FormatError struct {
	Reason string // a clause: "it is damaged"
	Err    error  // what was found below, or nil
}

func (e *FormatError) Error() string {
	text := "not a usable private key: " + e.Reason
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the error below.
func (e *FormatError) Unwrap() error { return e.Err }

// An UnsupportedError says that a file is a private key in a form that is not
// read.
type UnsupportedError struct {
	What string // "encrypted PKCS#8"
	Hint string // what the user can do
}

func (e *UnsupportedError) Error() string {
	text := "private key in an unsupported form: " + e.What
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}

// A LoadError says which file it was. The reason is wrapped.
type LoadError struct {
	Path string
	Err  error
}

func (e *LoadError) Error() string { return fmt.Sprintf("load key \"%s\": %v", e.Path, e.Err) }

// Unwrap returns the reason.
func (e *LoadError) Unwrap() error { return e.Err }

// loadError wraps err for path and drops what would name the path twice.
func loadError(path string, err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return &LoadError{path, err}
}

func malformed(reason string, err error) error { return &FormatError{reason, err} }
