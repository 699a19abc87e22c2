package term

import (
	"context"
	"fmt"
	"os"

	xterm "golang.org/x/term"
)

// question asks on the console, whatever standard input is.
func question(_ context.Context, prompt string, echo bool) ([]byte, error) {
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
	if err := write(out, prompt); err != nil {
		return nil, err
	}
	if echo {
		line, err := readLine(in)
		if err == nil {
			skipLineFeed(in)
		}
		return line, err
	}
	line, err := xterm.ReadPassword(int(in.Fd()))
	_ = write(out, "\r\n")
	return line, err
}

// skipLineFeed takes the second half of a console's line end.
func skipLineFeed(in *os.File) { _, _ = in.Read(make([]byte, 1)) }
