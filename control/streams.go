package control

import (
	"io"
	"os"

	"github.com/nacre-ssh/nacre/internal/netx"
)

// borrow makes a reader of a client's input: see [netx.Borrow].
func borrow(f *os.File) io.ReadCloser { return netx.Borrow(f) }

// writable makes a writer of a client's output, with no descriptor to see where
// a write could wait: the connection's reader must not.
func writable(f *os.File) io.Writer {
	if own := netx.Reopen(f); own != nil {
		return own
	}
	return slow{f}
}

// slow hides a file's descriptor.
type slow struct{ io.Writer }
