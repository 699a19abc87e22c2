package sshd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/term"
)

// Exit codes of sshd.
const (
	sshdOK    = 0
	sshdUsage = 1   // the command line, or no host key
	sshdFatal = 255 // the configuration, or no address to listen on
)

// sshdError is an error in the words of OpenSSH's sshd.
type sshdError string

func (e sshdError) Error() string { return string(e) }

func sshdSays(format string, args ...any) error { return sshdError(fmt.Sprintf(format, args...)) }

// runSSHD is the server's door.
func runSSHD(ctx context.Context, e *door.Env) int {
	l, err := parseSSHD(e.Args)
	if err != nil {
		return sshdUsageError(e, l, err)
	}
	switch {
	case l.version:
		e.Errorf("%s", door.Version())
		return sshdOK
	case l.try:
		return runTry(ctx, e, l)
	}
	if l.detaches() {
		child, code := detach(e)
		if child == nil {
			return code
		}
		return serve(ctx, e, l, child)
	}
	return serve(ctx, e, l, nil)
}

func (l *sshdLine) detaches() bool {
	return !l.foreground && l.debug == 0 && !l.test && !l.dump && !l.parse
}

func sshdUsageError(e *door.Env, l *sshdLine, err error) int {
	e.Errorf("%v", err)
	var unknown *getopt.Error
	if errors.As(err, &unknown) {
		e.Errorf("%s", door.Version())
		fmt.Fprint(e.Stderr, l.table().Usage("sshd", ""))
	}
	return sshdUsage
}

// serve reads the configuration and the host keys and then runs the server, or
// what -t, -T and -G ask for. child is the way to the process that started this
// one to run in the background, or nil.
func serve(ctx context.Context, e *door.Env, l *sshdLine, child *door.Detached) int {
	cfg, err := l.load()
	if err != nil {
		e.Errorf("%v", err)
		return sshdFatal
	}
	if l.parse {
		dumpConfig(e, cfg)
		return sshdOK
	}
	keys, err := loadHostKeys(cfg, func(text string) { e.Errorf("%s", text) })
	if err != nil {
		e.Errorf("%v", err)
		return sshdUsage
	}
	switch {
	case l.dump:
		dumpConfig(e, cfg)
		return sshdOK
	case l.test:
		return sshdOK
	}
	d, err := newDaemon(e, l, cfg, keys, nil)
	if err != nil {
		e.Errorf("%v", err)
		return sshdFatal
	}
	return d.run(ctx, child)
}

func dumpConfig(e *door.Env, cfg *config.Server) {
	for _, line := range cfg.Dump() {
		fmt.Fprintln(e.Stdout, line)
	}
}

// openLog opens the log that the command line asks for.
func openLog(e *door.Env, l *sshdLine, cfg *config.Server) (logSink, error) {
	switch {
	case l.logFile != "":
		f, err := os.OpenFile(l.logFile, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, sshdSays("Couldn't open logfile %s: %v", term.Printable(l.logFile), errors.Unwrap(err))
		}
		return &writerLog{w: f}, nil
	case l.stderr || l.debug > 0:
		return &writerLog{w: e.Stderr}, nil
	}
	if sink := openSystemLog(cfg.SyslogFacility); sink != nil {
		return sink, nil
	}
	return noLog{}, nil
}

// noLog is for where nobody reads.
type noLog struct{}

func (noLog) line(slog.Level, string) {}

// logNotes tells what the configuration says without effect.
func logNotes(log *slog.Logger, cfg *config.Server) {
	for _, n := range cfg.Notes() {
		if n.Warn {
			log.Warn(n.String())
			continue
		}
		log.Debug(n.String())
	}
}
