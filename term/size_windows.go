package term

import (
	"context"
	"fmt"
	"os"
	"time"

	xterm "golang.org/x/term"
)

// GetSize returns the size in characters of the console that f is an end of,
// which only the end that shows it knows.
func GetSize(f *os.File) (Size, error) {
	if !IsTerminal(f) {
		return Size{}, fmt.Errorf("reading the window's size: %w", ErrNoTerminal)
	}
	out, err := os.OpenFile("CONOUT$", os.O_RDWR, 0)
	if err != nil {
		return Size{}, fmt.Errorf("reading the window's size: %w", err)
	}
	defer out.Close()
	var columns, rows int
	if e := control(out, func(fd int) { columns, rows, err = xterm.GetSize(fd) }); e != nil {
		err = e
	}
	if err != nil {
		return Size{}, fmt.Errorf("reading the window's size: %w", err)
	}
	return Size{Columns: uint32(columns), Rows: uint32(rows)}, nil
}

// WatchSize calls changed, from a goroutine of its own, each time the console
// has another size, until ctx is done. A console tells its size only among its
// input, which belongs to the session: so it is asked, four times a second.
func WatchSize(ctx context.Context, f *os.File, changed func(Size)) {
	last, _ := GetSize(f)
	go func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if size, err := GetSize(f); err == nil && size != last {
				last = size
				changed(size)
			}
		}
	}()
}
