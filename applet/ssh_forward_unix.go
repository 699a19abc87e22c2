//go:build unix

package applet

import (
	"os"
	"os/signal"
	"syscall"
)

// tidy has a signal that ends ssh remove the files of its sockets first.
func (f *forwarding) tidy() {
	caught := make(chan os.Signal, 1)
	catchEnd(caught)
	go func() {
		s := <-caught
		f.Close()
		if f.run.heeds.Load() || f.run.conf.SessionType == "none" {
			return // see endOnSignal
		}
		signal.Reset(s)
		if number, ok := s.(syscall.Signal); ok {
			syscall.Kill(os.Getpid(), number)
		}
	}()
}
