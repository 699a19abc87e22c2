package applet

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

// sentence is the reason of a system's error with a capital letter, as people
// know it.
func sentence(err error) string {
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

// because is the reason of an error as OpenSSH adds it to its sentences: the
// system's words as they are, ours without the file's name.
func because(err error) string {
	var load *keyfile.LoadError
	if errors.As(err, &load) {
		err = load.Err
	}
	var path *os.PathError
	var number syscall.Errno
	if errors.As(err, &path) || errors.As(err, &number) {
		return sentence(err)
	}
	return term.Printable(err.Error())
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + term.Printable(text[1:])
}

// errUsage asks for the usage text.
var errUsage = errors.New("usage")

var errNoPassphrase = errors.New("no passphrase was given")
