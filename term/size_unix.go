//go:build unix

package term

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// GetSize returns a terminal's size.
func GetSize(f *os.File) (Size, error) {
	var w *unix.Winsize
	var err error
	if e := control(f, func(fd int) { w, err = unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ) }); e != nil {
		err = e
	}
	if err != nil {
		return Size{}, fmt.Errorf("reading the window's size: %w", err)
	}
	return Size{uint32(w.Col), uint32(w.Row), uint32(w.Xpixel), uint32(w.Ypixel)}, nil
}

// WatchSize calls changed, from a goroutine of its own, each time the terminal
// has another size, until ctx is done. A storm of changes becomes a few calls;
// the last size is always told. It returns once watching has begun.
func WatchSize(ctx context.Context, f *os.File, changed func(Size)) {
	last, _ := GetSize(f)
	signals := make(chan os.Signal, 1) // one pending notice stands for many
	signal.Notify(signals, syscall.SIGWINCH)
	go func() {
		defer signal.Stop(signals)
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			}
			if size, err := GetSize(f); err == nil && size != last {
				last = size
				changed(size)
			}
		}
	}()
}
