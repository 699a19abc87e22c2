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
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if !signal.Ignored(s) {
			signal.Notify(caught, s)
		}
	}
	go func() {
		s := <-caught
		f.Close()
		signal.Reset(s)
		if number, ok := s.(syscall.Signal); ok {
			syscall.Kill(os.Getpid(), number)
		}
	}()
}
