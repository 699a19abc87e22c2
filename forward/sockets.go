package forward

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

// Sockets are what one forward listens on: a TCP socket for each address of the
// name, or a Unix socket. Its methods may be called from any goroutine.
type Sockets struct {
	// Port is the TCP port, chosen by the system where 0 was asked for; 0 for
	// a Unix socket.
	Port int

	list []net.Listener
	path string      // of the Unix socket
	made os.FileInfo // and what lay there once it was bound
	once sync.Once
	over chan struct{}
}

// Serve accepts connections and gives each to handle, in a goroutine of its own
// that start starts. It returns at once; Close ends it.
func (s *Sockets) Serve(start func(func()), handle func(net.Conn)) {
	for _, l := range s.list {
		start(func() { s.accept(l, start, handle) })
	}
}

func (s *Sockets) accept(l net.Listener, start func(func()), handle func(net.Conn)) {
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			start(func() { handle(nc) })
			continue
		case errors.Is(err, net.ErrClosed):
			return
		}
		select { // no more descriptors, or a client that left before it was served
		case <-time.After(acceptPause):
		case <-s.over:
			return
		}
	}
}

// Close stops listening; connections that were accepted go on. A Unix socket is
// removed from its directory unless something else is there by now.
func (s *Sockets) Close() {
	s.once.Do(func() {
		close(s.over)
		for _, l := range s.list {
			l.Close()
		}
		if s.made == nil {
			return
		}
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.made) {
			os.Remove(s.path)
		}
	})
}
