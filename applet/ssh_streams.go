package applet

import (
	"io"
	"os"
)

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
