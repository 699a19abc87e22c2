package term

import (
	"os"
	"os/signal"
	"syscall"
)

// watch gives the console back when it is closed or the process is ended.
func (g *Guard) watch() (stop func()) {
	signals := make(chan os.Signal, 1)
	done := make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-done:
		case <-signals:
			_ = g.leave()
			os.Exit(255)
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// Stop does nothing: Windows has no stopped processes.
func (g *Guard) Stop() bool { return false }
