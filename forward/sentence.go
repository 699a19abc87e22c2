package forward

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// LevelNotice is for what everybody is told who did not ask for silence: between
// slog's info, which is OpenSSH's verbose, and warnings, which are called so.
const LevelNotice = slog.Level(2)

// reason is why a system call failed, in the system's words.
func reason(err error) string {
	var number syscall.Errno
	var dns *net.DNSError
	var path *fs.PathError
	switch {
	case errors.As(err, &number):
		err = number
	case errors.As(err, &dns) && dns.IsNotFound:
		return "Name or service not known"
	case errors.As(err, &dns):
		return "Temporary failure in name resolution"
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "Connection timed out"
	case errors.As(err, &path):
		err = path.Err
	}
	text := err.Error()
	if text == "" {
		return "unknown reason"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// OpenFailure is what OpenSSH says of a channel that the peer refused. It holds
// the peer's words: escape before printing.
func OpenFailure(err error) string {
	var refused *mux.OpenError
	if !errors.As(err, &refused) {
		return "open failed: " + err.Error() // here: too many, or no connection
	}
	names := [...]string{
		wire.OpenProhibited:       "administratively prohibited",
		wire.OpenConnectFailed:    "connect failed",
		wire.OpenUnknownType:      "unknown channel type",
		wire.OpenResourceShortage: "resource shortage",
	}
	name := "unknown reason"
	if refused.Reason > 0 && uint64(refused.Reason) < uint64(len(names)) {
		name = names[refused.Reason]
	}
	return fmt.Sprintf("channel %d: open failed: %s: %s", refused.Channel, name, refused.Text)
}
