//go:build unix

package term

import (
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

// caught are the signals that end or stop the process, without those it was
// started to ignore (nohup): catching would wake them.
func caught() []os.Signal {
	var list []os.Signal
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGTSTP} {
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}

// notify is signal.Notify, for which no signals would mean all.
func notify(to chan<- os.Signal, list []os.Signal) {
	if len(list) > 0 {
		signal.Notify(to, list...)
	}
}

// watch gives the terminal back when a signal ends or stops the process, lets
// the signal do its work, and makes the terminal raw again after a stop.
func (g *Guard) watch() (stop func()) {
	signals := make(chan os.Signal, 8)
	done := make(chan struct{})
	notify(signals, caught())
	go func() {
		for {
			select {
			case <-done:
				return
			case s := <-signals:
				g.pass(s, signals)
			case over := <-g.stops:
				g.pass(syscall.SIGTSTP, signals)
				close(over)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// pass lets a signal do its work with the terminal given back.
func (g *Guard) pass(s os.Signal, signals chan<- os.Signal) {
	_ = g.leave() // the signal goes on whatever became of it
	if s != syscall.SIGTSTP && g.end(s) {
		return
	}
	again(s)
	_ = g.Resume()
	signal.Notify(signals, s) // again took it away
}

// Stop stops the process, as ^Z does where the terminal isn't raw, and returns
// when it goes on: with the terminal given back in between. It returns false at
// once where no shell could wake the process.
func (g *Guard) Stop() bool {
	session, err := unix.Getsid(0)
	parent, perr := unix.Getsid(os.Getppid())
	if err != nil || perr != nil || session != parent {
		return false
	}
	over := make(chan struct{})
	g.stops <- over
	<-over
	return true
}

// again sends a signal to this process with nobody to catch it, and returns
// where the process lives on: after a stop.
func again(s os.Signal) {
	number, ok := s.(syscall.Signal)
	if !ok {
		return
	}
	signal.Reset(s)
	resumed := make(chan os.Signal, 1)
	signal.Notify(resumed, syscall.SIGCONT)
	defer signal.Stop(resumed)
	if number == syscall.SIGTSTP {
		number = syscall.SIGSTOP // can't be ignored, even without job control
	}
	if err := syscall.Kill(os.Getpid(), number); err != nil {
		return
	}
	<-resumed // a fatal signal never gets here
}
