//go:build unix && (amd64 || arm64)

package hostile

import (
	"syscall"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// Writes of 4 GiB and more: their lengths don't fit into 32 bits, and nothing
// may count in fewer (golang.org/x/crypto looped for ever, CVE-2026-39834).
// The slice costs no memory: it is mapped and never written.
func TestHugeWrites(t *testing.T) {
	const window = 200_000
	for _, size := range []int{1<<32 - 1, 1 << 32, 1<<32 + 5, 3<<32 + 65280} {
		huge, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ, syscall.MAP_PRIVATE|syscall.MAP_ANON)
		if err != nil {
			t.Fatal(err)
		}
		for _, role := range roles {
			wrote := make(chan int, 1)
			s := attack(t, role, accept(func(ch *mux.Channel) {
				n, _ := ch.Write(huge)
				wrote <- n
			})).reach(open)
			s.openChannel(window, 1<<15)
			if _, packets := s.receive(window, 1<<15); packets > window>>15+2 {
				t.Errorf("%d bytes came in %d packets", window, packets)
			}
			s.alive()
			s.must(s.peer.Send(msg(wire.MsgChannelClose, 0)))
			select {
			case n := <-wrote:
				if n != window {
					t.Errorf("of %d bytes %d are said to be written, %d were", size, n, window)
				}
			case <-time.After(patience):
				t.Fatalf("the writer hangs:\n%s", stacks())
			}
		}
		if err := syscall.Munmap(huge); err != nil {
			t.Fatal(err)
		}
	}
}
