package forward

import (
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/mux"
)

// Splice carries bytes between a channel and a connection until both directions
// have ended, and closes both. The end of one direction passes through and
// leaves the other alone. It returns how many bytes went into the channel and
// came out of it.
//
// Bytes from a socket are read into the packets they leave in; bytes for it are
// written from the packet by the connection's reader, as far as the socket takes
// them without waiting.
func Splice(ch *mux.Channel, nc net.Conn) (sent, received int64) {
	start := ch.Mux().Conn().Go
	over := make(chan struct{})
	start(func() {
		defer close(over)
		received = receive(ch, nc)
	})
	start(func() { interrupt(ch, nc) })
	sent = send(ch, nc)
	<-over
	ch.Close()
	nc.Close()
	return sent, received
}

// send carries what nc says, and its end.
func send(ch *mux.Channel, nc net.Conn) int64 {
	n, err := ch.ReadFrom(nc)
	var socket *net.OpError
	switch {
	case err == nil:
		ch.CloseWrite()
	case errors.Is(err, mux.ErrStopped):
		closeRead(nc)
	case errors.As(err, &socket) && !errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ECONNRESET):
		ch.Close() // a reset ends both directions
	}
	return n
}

// receive carries what comes from the channel, and its end.
func receive(ch *mux.Channel, nc net.Conn) int64 {
	n, err := ch.WriteTo(nc)
	if err == nil {
		closeWrite(nc)
	}
	return n
}

// interrupt wakes who waits for nc once the channel has ended.
func interrupt(ch *mux.Channel, nc net.Conn) {
	<-ch.Done()
	nc.SetReadDeadline(time.Now())
	if ch.Mux().Err() != nil {
		nc.SetWriteDeadline(time.Now().Add(lastWords))
	}
}

func closeWrite(nc net.Conn) {
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
	}
}

func closeRead(nc net.Conn) {
	if half, ok := nc.(interface{ CloseRead() error }); ok {
		half.CloseRead()
	}
}
