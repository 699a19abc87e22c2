//go:build linux || darwin || freebsd

package term

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// question asks on /dev/tty. The read runs beside, so that a signal can end it.
func question(ctx context.Context, prompt string, echo bool) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	defer tty.Close()
	signals := make(chan os.Signal, 4)
	list := caught()
	notify(signals, list)
	defer signal.Stop(signals)
	for {
		line, s, err := questionOnce(ctx, tty, signals, prompt, echo)
		if s == nil {
			return line, err
		}
		signal.Stop(signals)
		again(s)
		if s != syscall.SIGTSTP {
			return nil, ErrInterrupted
		}
		notify(signals, list)
		// Back from a stop: the person has lost sight of the question.
		if tty, err = os.OpenFile("/dev/tty", os.O_RDWR, 0); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
		}
		defer tty.Close()
	}
}

type answer struct {
	line []byte
	err  error
}

// questionOnce asks until there is an answer or a signal; either way the
// terminal is as it was when it returns.
func questionOnce(ctx context.Context, tty *os.File, signals <-chan os.Signal, prompt string, echo bool) ([]byte, os.Signal, error) {
	before, err := getTermios(tty)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	asking := *before
	asking.Lflag |= unix.ICANON | unix.ISIG | unix.ECHO | unix.ECHONL
	asking.Iflag |= unix.ICRNL
	if !echo {
		asking.Lflag &^= unix.ECHO // ECHONL stays: the cursor moves on after Enter
	}
	if err := setTermios(tty, &asking); err != nil {
		return nil, nil, fmt.Errorf("switching off echo: %w", err)
	}
	defer func() { _ = setTermios(tty, before) }() // the answer counts all the same
	if err := write(tty, prompt); err != nil {
		return nil, nil, err
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := readLine(tty)
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		return a.line, nil, a.err
	case <-ctx.Done():
		err = ctx.Err()
	case s := <-signals:
		err = ErrInterrupted
		_ = write(tty, "\n")
		_ = setTermios(tty, before)
		_ = tty.Close() // ends the read
		return nil, s, err
	}
	_ = setTermios(tty, before)
	_ = tty.Close()
	return nil, nil, err
}
