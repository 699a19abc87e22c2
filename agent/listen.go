package agent

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// A Listener serves a keyring to whoever connects: each peer in a goroutine of
// its own, so that one that is slow, or says nothing, holds up nobody. The zero
// value of all fields but Keyring is usable.
type Listener struct {
	Keyring Keyring
	Logger  *slog.Logger // nil: silent
	// MaxClients caps the connections at once; 0 is [MaxClients]. One more has
	// to wait.
	MaxClients int
}

// Serve accepts connections until the listener is closed or ctx ends, and
// returns when all of them have ended. It refuses peers that are other users'
// processes. It owns l.
func (s *Listener) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(ctx, func() { l.Close() })()
	limit := s.MaxClients
	if limit == 0 {
		limit = MaxClients
	}
	slots := make(chan struct{}, limit)
	var wait sync.WaitGroup
	defer wait.Wait()
	defer cancel()
	for {
		slots <- struct{}{}
		conn, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed) || ctx.Err() != nil:
			return nil
		case err != nil:
			s.log("The agent's socket.", err)
			if !pause(ctx, 50*time.Millisecond) { // out of files, most probably
				return nil
			}
			<-slots
			continue
		}
		wait.Go(func() {
			defer func() { <-slots }()
			s.attend(ctx, conn)
		})
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Listener) attend(ctx context.Context, conn net.Conn) {
	if err := checkPeer(conn); err != nil {
		s.log("A peer is turned away.", err)
		conn.Close()
		return
	}
	err := serveWith(ctx, conn, s.Keyring, func(reason error) { s.log("A request is refused.", reason) })
	if err != nil && ctx.Err() == nil {
		s.log("A peer is gone.", err)
	}
}

func (s *Listener) log(text string, err error) {
	if s.Logger != nil {
		s.Logger.Debug(text, "err", err)
	}
}
