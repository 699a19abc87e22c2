package netx

import (
	"io"
	"os"
)

// Borrow is f: a console's keys belong to whoever reads them first.
func Borrow(f *os.File) io.ReadCloser { return io.NopCloser(f) }

// Reopen returns nil: it can't be done on this system.
func Reopen(*os.File) *os.File { return nil }
