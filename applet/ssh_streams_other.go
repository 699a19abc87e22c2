//go:build !linux

package applet

import (
	"io"
	"os"
)

// bulkInput is standard input as it is.
func bulkInput(f *os.File) io.Reader { return f }

// bulkOutput is how to write to an inherited stream.
func bulkOutput(f *os.File) io.Writer {
	if direct(f) {
		return f
	}
	return slowWriter{f}
}
