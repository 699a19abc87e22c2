package applet

import (
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// catchEnd catches the signals that end ssh, without those that it was started to
// ignore.
func catchEnd(signals chan<- os.Signal) {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT} {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
}

// endOnSignal has a signal end the connection in good order, whoever guards the
// terminal, if anybody does. It returns what ends that.
func (r *sshRun) endOnSignal(c io.Closer, guard *term.Guard) (quiet func()) {
	r.heeds.Store(true)
	if guard != nil {
		guard.EndWith(func(s os.Signal) { r.kill(c, s) })
		return func() {}
	}
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	catchEnd(signals)
	go func() {
		select {
		case s := <-signals:
			r.kill(c, s)
		case <-done:
		}
	}()
	return func() { signal.Stop(signals); close(done) }
}

// kill ends the connection because of a signal.
func (r *sshRun) kill(c io.Closer, s os.Signal) {
	if number, ok := s.(syscall.Signal); ok {
		r.killed.Store(int32(number))
	}
	c.Close()
}

// endedBy is the exit code of a run that a signal has ended: without a session
// SIGTERM is the way to end it, and no failure.
func (r *sshRun) endedBy(number syscall.Signal) int {
	if number == syscall.SIGTERM && r.conf.SessionType == "none" {
		return 0
	}
	r.say(config.LogVerbose, "Killed by signal %d.", int(number))
	return sshFailed
}
