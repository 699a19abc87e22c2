//go:build unix

package sshd

import (
	"log/slog"
	"log/syslog"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/server"
)

// systemLog writes to syslog under sshd's name, which is what watchers of the
// log look for.
type systemLog struct{ w *syslog.Writer }

// openSystemLog returns nil where there is no syslog: then, as with sshd,
// nobody reads the log.
func openSystemLog(name string) logSink {
	w, err := syslog.New(door.Facility(name, syslog.LOG_AUTH)|syslog.LOG_INFO, "sshd")
	if err != nil {
		return nil
	}
	return systemLog{w}
}

func (l systemLog) line(level slog.Level, text string) {
	switch {
	case level >= slog.LevelError:
		l.w.Err("error: " + text)
	case level >= slog.LevelWarn:
		l.w.Warning(text)
	case level >= server.LevelVerbose:
		l.w.Info(text)
	default:
		l.w.Debug(text)
	}
}
