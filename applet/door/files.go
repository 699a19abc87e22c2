package door

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/nacre-ssh/nacre/keyfile"
)

// ReadCapped reads a file of keys: as much of it as one may have.
func ReadCapped(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, keyfile.MaxFile))
}

// ReadUpTo reads a file of at most a number of bytes.
func ReadUpTo(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it is longer than %d bytes", limit)
	}
	return text, err
}

// FirstLine is a text up to its first line feed.
func FirstLine(text []byte) []byte {
	if i := slices.Index(text, '\n'); i >= 0 {
		return text[:i]
	}
	return text
}
