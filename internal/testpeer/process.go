package testpeer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	startTime = 20 * time.Second      // a busy machine starts a Python server in seconds
	retryTime = 10 * time.Millisecond // between two attempts to connect
	logLimit  = 8 << 20               // bytes of a program's output that are kept
	logShown  = 8 << 10               // bytes of them that a failed test shows
)

// transcript keeps the first logLimit bytes that are written to it. It is safe
// for concurrent use.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if room := logLimit - l.text.Len(); room > 0 {
		l.text.Write(b[:min(room, len(b))])
	}
	return len(b), nil
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// tail is the end of what is kept, which is where a failure is told.
func (l *transcript) tail() string {
	text := l.String()
	return text[max(0, len(text)-logShown):]
}

// environment is what peers run in: no agent, no settings of the user, home
// directory home.
func environment(home string, extra ...string) []string {
	return append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}, extra...)
}

// daemon is a program that runs until the test ends.
type daemon struct {
	name string
	cmd  *exec.Cmd
	log  transcript
	gone chan struct{}
}

// startDaemon starts cmd, with its output in the daemon's log. The whole
// process group is killed when the test ends.
func startDaemon(t TB, name string, cmd *exec.Cmd) *daemon {
	t.Helper()
	d := &daemon{name: name, cmd: cmd, gone: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = &d.log
	}
	cmd.Stderr = &d.log
	cmd.WaitDelay = time.Second // children of a killed daemon may keep its pipes open
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		cmd.Wait()
		close(d.gone)
	}()
	t.Cleanup(func() {
		killGroup(cmd)
		<-d.gone
		if t.Failed() {
			t.Logf("%s said at last:\n%s", name, d.log.tail())
		}
	})
	return d
}

// StartProgram runs a daemon until the test ends, and returns when it listens at
// a port of 127.0.0.1. What it says is shown if the test fails.
func StartProgram(t TB, port int, cmd *exec.Cmd) {
	t.Helper()
	startDaemon(t, filepath.Base(cmd.Path), cmd).listening(t, port)
}

// listening returns when somebody accepts at the daemon's port.
func (d *daemon) listening(t TB, port int) {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", port)
	deadline := time.After(startTime)
	for {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return
		}
		select {
		case <-d.gone:
			t.Fatalf("%s ended before it listened:\n%s", d.name, d.log.String())
		case <-deadline:
			t.Fatalf("%s does not listen after %v:\n%s", d.name, startTime, d.log.String())
		case <-time.After(retryTime): // a daemon tells nobody when it begins to listen
		}
	}
}

// running describes the daemon for its users. mark is what it logs once for
// each key exchange; "" if it doesn't.
func (d *daemon) running(at Target, mark string) *Running {
	return &Running{
		Target: at, PID: d.cmd.Process.Pid, Log: d.log.String,
		Exchanges: func() int { return count(d.log.String(), mark) },
	}
}

// count is the number of times that mark is in log, -1 for no mark.
func count(log, mark string) int {
	if mark == "" {
		return -1
	}
	return strings.Count(log, mark)
}

// runClient runs a client program to its end. mark is as for running.
func runClient(ctx context.Context, s Session, mark string, env []string, argv ...string) (Result, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = env
	cmd.Stdin = s.Stdin
	cmd.Stdout = s.Stdout
	var log transcript
	cmd.Stderr = &log
	cmd.WaitDelay = time.Second
	ownGroup(cmd)
	cmd.Cancel = func() error { killGroup(cmd); return nil }
	err := cmd.Run()
	res := Result{Exit: cmd.ProcessState.ExitCode(), Exchanges: count(log.String(), mark), Log: log.String()}
	if ctx.Err() != nil {
		return res, fmt.Errorf("%s: %w after:\n%s", filepath.Base(argv[0]), context.Cause(ctx), res.Log)
	}
	var exit *exec.ExitError
	if err == nil || errors.As(err, &exit) && exit.Exited() || stoppedReading(err) {
		return res, nil
	}
	return res, fmt.Errorf("%s: %w:\n%s", filepath.Base(argv[0]), err, res.Log)
}

// stoppedReading tells that the client left before it had read all its input,
// which is its right.
func stoppedReading(err error) bool {
	return errors.Is(err, io.ErrClosedPipe) || errors.Is(err, os.ErrClosed)
}
