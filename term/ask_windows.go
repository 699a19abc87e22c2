package term

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/windows"
)

// question asks on the console, whatever standard input is. The read runs
// beside, so that ^C can end it.
func question(ctx context.Context, prompt string, echo bool) ([]byte, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	defer in.Close()
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	defer out.Close()
	restore, err := lineMode(in, echo)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	defer restore()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	defer signal.Stop(interrupted)
	if err := write(out, prompt); err != nil {
		return nil, err
	}
	if !echo {
		defer func() { _ = write(out, "\r\n") }()
	}
	type answer struct {
		line []byte
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		line, err := consoleLine()
		answers <- answer{line, err}
	}()
	select {
	case a := <-answers:
		if a.err == io.EOF && broken(interrupted) {
			return nil, ErrInterrupted
		}
		return a.line, a.err
	case <-interrupted:
		return nil, ErrInterrupted
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// broken reports whether it was ^C that ended a read with nothing: that is told
// apart from the read, and maybe later (ReadConsole; rust-lang/rust#89177).
func broken(interrupted <-chan os.Signal) bool {
	select {
	case <-interrupted:
		return true
	case <-time.After(toldLater):
		return false
	}
}

// toldLater is how much later that may be.
const toldLater = 200 * time.Millisecond

// lineMode has a console read lines that can be edited, and returns what gives
// it back.
func lineMode(in *os.File, echo bool) (restore func(), err error) {
	var before uint32
	set := func(mode uint32) (err error) {
		if e := control(in, func(fd int) { err = windows.SetConsoleMode(windows.Handle(fd), mode) }); e != nil {
			return e
		}
		return err
	}
	if e := control(in, func(fd int) { err = windows.GetConsoleMode(windows.Handle(fd), &before) }); e != nil || err != nil {
		return nil, fmt.Errorf("reading the console's mode: %w", err)
	}
	mode := before&^(windows.ENABLE_ECHO_INPUT|windows.ENABLE_VIRTUAL_TERMINAL_INPUT) | windows.ENABLE_LINE_INPUT | windows.ENABLE_PROCESSED_INPUT
	if echo {
		mode |= windows.ENABLE_ECHO_INPUT
	}
	if err := set(mode); err != nil {
		return nil, fmt.Errorf("setting the console's mode: %w", err)
	}
	return func() { _ = set(before) }, nil
}

// consoleLine reads a line as a whole: a console gives one at a time, and takes
// it badly when it is asked for less (Wine's shows the rest again). It has the
// console open by itself: closing waits for a read, which need not end when the
// question does.
func consoleLine() ([]byte, error) {
	in, err := os.OpenFile("CONIN$", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoTerminal, err)
	}
	defer in.Close()
	var line []byte
	part := make([]byte, 1024)
	defer clear(part)
	for {
		n, err := in.Read(part)
		line = append(line, part[:n]...)
		if text, ok := bytes.CutSuffix(line, []byte("\n")); ok {
			return bytes.TrimSuffix(text, []byte("\r")), nil
		}
		if err == io.EOF && len(line) > 0 {
			return line, nil
		}
		if err == nil && len(line) > maxAnswer {
			err = fmt.Errorf("an answer may have %d bytes at most", maxAnswer)
		}
		if err != nil {
			clear(line)
			return nil, err
		}
	}
}
