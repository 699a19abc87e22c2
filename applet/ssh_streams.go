package applet

import (
	"io"
	"os"

	"github.com/nacre-ssh/nacre/internal/netx"
	"github.com/nacre-ssh/nacre/term"
)

// bulkInput is how to read an inherited stream until Close, after which nothing
// is taken from it any more: a pipe or a terminal may have another reader then.
func bulkInput(f *os.File) io.ReadCloser {
	if keys := term.Keys(f); keys != nil {
		return keys
	}
	if direct(f) {
		return keptFile{f}
	}
	enlarge(f)
	return netx.Borrow(f)
}

// keptFile outlives its reader.
type keptFile struct{ *os.File }

// Close leaves the file open.
func (keptFile) Close() error { return nil }

// bulkOutput is how to write to an inherited stream. The connection's reader may
// write only what can't wait, so a pipe or a terminal is opened once more, as a
// file description of our own that doesn't block: O_NONBLOCK on the inherited
// one would change it under every process that shares it.
func bulkOutput(f *os.File) io.Writer {
	if direct(f) {
		return f
	}
	enlarge(f)
	if own := netx.Reopen(f); own != nil {
		return own
	}
	return slowWriter{f}
}

// slowWriter hides a file's descriptor: its writes may wait, and so are made by
// a goroutine of their own and never by the connection's reader.
type slowWriter struct{ io.Writer }

// direct reports whether writing to a file never waits for another process:
// then the connection's reader does it itself.
func direct(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && (info.Mode().IsRegular() || isNull(info))
}

// isNull tells the null device from terminals and others.
func isNull(info os.FileInfo) bool {
	null, err := os.Stat(os.DevNull)
	return err == nil && os.SameFile(info, null)
}
