//go:build unix

package term

import (
	"io"
	"os"
)

// Keys is nil: a terminal's file is read as it is.
func Keys(*os.File) io.ReadCloser { return nil }

// rawOutput has nothing to do: a terminal's output is its input's.
func rawOutput() (restore func()) { return nil }
