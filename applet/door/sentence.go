package door

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// Sentence is the reason of a system's error with a capital letter, as people
// know it.
func Sentence(err error) string {
	var number syscall.Errno
	var path *fs.PathError
	switch {
	case errors.As(err, &number):
		err = number
	case errors.As(err, &path):
		err = path.Err
	case errors.Is(err, client.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return "Connection timed out"
	}
	text := term.Printable(err.Error())
	if text == "" {
		return "unknown reason"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// Because is the reason of an error as OpenSSH adds it to its sentences: the
// system's words as they are, ours without the file's name.
func Because(err error) string {
	var load *keyfile.LoadError
	if errors.As(err, &load) {
		err = load.Err
	}
	var path *os.PathError
	var number syscall.Errno
	if errors.As(err, &path) || errors.As(err, &number) {
		return Sentence(err)
	}
	return term.Printable(err.Error())
}

// Capital begins a text that may come from elsewhere with a capital letter.
func Capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + term.Printable(text[1:])
}

// ErrUsage asks for the usage text.
var ErrUsage = errors.New("usage")

// ErrNoPassphrase says that a question for a passphrase had no answer.
var ErrNoPassphrase = errors.New("no passphrase was given")
