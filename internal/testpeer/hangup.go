package testpeer

import (
	"os"
	"os/signal"
	"syscall"
)

// Hangups has programs that a test starts end at a hangup, even where the tests
// run under nohup(1): it is for TestMain. Programs inherit that a signal is
// ignored, and not that it is caught.
func Hangups() { signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) }
