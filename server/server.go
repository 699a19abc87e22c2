package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// A Server accepts connections and runs them. Make it with [New]; its methods
// are safe for concurrent use.
type Server struct{ settings atomic.Pointer[settings] }

// New makes a server. It returns an error when the config lacks what no server
// can do without.
func New(c Config) (*Server, error) {
	s := new(Server)
	return s, s.Reconfigure(c)
}

// ForWorker makes a server that only resumes connections: its config needs
// neither host keys nor a policy.
func ForWorker(c Config) *Server {
	s := new(Server)
	s.settings.Store(settingsOf(c))
	return s
}

// Reconfigure gives connections that come from now on another config.
func (s *Server) Reconfigure(c Config) error {
	set, err := newSettings(c)
	if err == nil {
		s.settings.Store(set)
	}
	return err
}

// maxPause is how long accepting waits at most when the system has no more
// descriptors.
const maxPause = time.Second

// Serve accepts connections until ctx ends, then ends those that it accepted,
// waits for them, and returns nil. When the listener is closed or fails it returns that error at
// once, and connections go on. It closes the listener. Nothing is read from a
// connection, or written to it, in the accepting loop.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	var running sync.WaitGroup
	pause := time.Duration(0)
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.admit(ctx, nc, &running)
			continue
		case ctx.Err() != nil:
			running.Wait()
			return nil
		case !temporary(err):
			return fmt.Errorf("accepting connections: %w", err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), maxPause)
		s.settings.Load().Logger.Error("accept: " + err.Error())
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// temporary says that accepting may work again: the process has too many
// descriptors, or the peer left before it was served.
func temporary(err error) bool {
	var e net.Error
	//lint:ignore SA1019 there is no other word for EMFILE and ECONNABORTED across systems
	return errors.As(err, &e) && e.Temporary()
}

// admit asks the gate and begins a connection.
func (s *Server) admit(ctx context.Context, nc net.Conn, running *sync.WaitGroup) {
	c := s.newConn(nc)
	from := c.peer.Remote.Addr()
	if gate := c.set.Gate; gate != nil {
		if err := gate.Admit(from, time.Now()); err != nil {
			c.log.Info(fmt.Sprintf("drop connection from %s on %s: %v", bracketed(c.peer.Remote), bracketed(c.peer.Local), err))
			nc.Close()
			return
		}
		c.gate = func() { gate.Done(from) }
	}
	running.Add(1)
	go c.begin(ctx, running.Done)
}

// ServeConn runs one connection to its end. It owns nc. The gate is not asked.
func (s *Server) ServeConn(ctx context.Context, nc net.Conn) {
	over := make(chan struct{})
	go s.newConn(nc).begin(ctx, func() { close(over) })
	<-over
}

func bracketed(a netip.AddrPort) string {
	if !a.IsValid() {
		return "UNKNOWN"
	}
	return fmt.Sprintf("[%s]:%d", a.Addr().Unmap(), a.Port())
}
