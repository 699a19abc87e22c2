package client

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"syscall"
	"time"
)

// A ConnectError says that no connection to a host came about.
type ConnectError struct {
	Host string
	Port int
	Err  error // *net.DNSError, a syscall.Errno, context.DeadlineExceeded, …
}

func (e *ConnectError) Error() string {
	return fmt.Sprintf("connect to host %s port %d: %v", e.Host, e.Port, e.Err)
}

// Unwrap returns the reason.
func (e *ConnectError) Unwrap() error { return e.Err }

// ErrTimeout is the end of a connection attempt that took longer than
// [Config.ConnectTimeout].
var ErrTimeout = errors.New("connection timed out")

// Dial connects to a host, makes keys, judges the host's key and logs in. The
// context bounds all of that, and nothing afterwards.
//
// Its errors are *[ConnectError]; what transport.Client says, with what
// [Config.HostKey] answered in a *transport.HostKeyError; what auth.Client says.
func Dial(ctx context.Context, host string, port int, cfg *Config) (*Client, error) {
	ctx, clock := withClock(ctx, cfg.ConnectTimeout)
	defer clock.stop()
	nc, err := connect(ctx, host, port, cfg)
	if err != nil {
		return nil, &ConnectError{host, port, plain(ctx, err)}
	}
	return login(ctx, clock, nc, host, port, cfg)
}

// connect makes the TCP connection, to the host's addresses side by side
// (RFC 8305).
func connect(ctx context.Context, host string, port int, cfg *Config) (net.Conn, error) {
	log := logger(cfg)
	address := net.JoinHostPort(host, strconv.Itoa(port))
	for attempt := 1; ; attempt++ {
		nc, err := cfg.DialContext(ctx, "tcp", address)
		if err == nil || attempt >= cfg.Attempts || ctx.Err() != nil {
			return nc, err
		}
		log.Debug("Connecting failed, trying again in a second: " + plain(ctx, err).Error())
		if err := pause(ctx, time.Second); err != nil {
			return nil, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// plain strips what package net says around the reason.
func plain(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return dns
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return number
	}
	return err
}

func logger(cfg *Config) *slog.Logger {
	if cfg.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return cfg.Logger
}

// A clock is a timeout that can be stopped: a person who is asked about a host
// key may think as long as they like.
type clock struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

func withClock(ctx context.Context, d time.Duration) (context.Context, *clock) {
	ctx, cancel := context.WithCancelCause(ctx)
	c := &clock{cancel: cancel}
	if d > 0 {
		c.timer = time.AfterFunc(d, func() { cancel(ErrTimeout) })
	}
	return ctx, c
}

// halt ends the timeout and not the context.
func (c *clock) halt() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

func (c *clock) stop() {
	c.halt()
	c.cancel(context.Canceled)
}
