package login

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// Spec describes a command or a shell to start.
type Spec struct {
	// User must be the one that this process runs as.
	User *User
	// Command is given to the user's shell; with Shell set there is none and
	// the shell is a login shell.
	Command string
	Shell   bool
	// Env is the whole environment, see [Environment.List].
	Env []string
	// PTY is the terminal of the session, or nil for pipes. Start takes it
	// over, whether it succeeds or not.
	PTY *PTY
	// PrintMotd shows /etc/motd to a login shell on a terminal, unless the user
	// has ~/.hushlogin.
	PrintMotd bool
}

// PTY is a pseudo-terminal of which both ends are open.
type PTY struct {
	// Master is non-blocking. Reading it ends with EIO when the last process
	// has left the terminal; see [IsEnd].
	Master *os.File
	// Slave is the user's side; Start closes it.
	Slave *os.File
	// Name is the slave's path, for SSH_TTY.
	Name string
}

// Close closes what is still open of both ends.
func (p *PTY) Close() {
	p.Master.Close()
	p.Slave.Close()
}

// Window is a terminal's size in characters and pixels.
type Window struct{ Cols, Rows, Width, Height uint16 }

// Exit is how a process ended.
type Exit struct {
	// Code is the exit status; it counts when Signal is empty.
	Code int
	// Signal is the name for exit-signal (RFC 4254, section 6.10), without
	// "SIG"; those that the RFC does not name end in "@openssh.com".
	Signal string
	// Core says that a core image was written.
	Core bool
}

// NoLoginError says that logins are switched off by /etc/nologin. The session
// prints Text on its standard error and ends with status 254, as sshd's does.
type NoLoginError struct{ Text []byte }

func (e *NoLoginError) Error() string { return "logins are switched off by /etc/nologin" }

// NoLoginStatus is the exit status of a session that [NoLoginError] refused.
const NoLoginStatus = 254

// Errors of Start and Signal.
var (
	// ErrOtherUser refuses to start a process for another user: that takes the
	// user's own worker.
	ErrOtherUser = errors.New("this process does not run as that user")
	// ErrChildren says that the cap of a Runner is reached.
	ErrChildren = errors.New("too many processes are running in this session's context")
	// ErrSignal refuses a signal name that a client may not send.
	ErrSignal = errors.New("unknown signal")
	// ErrEnded says that the process is not there any more.
	ErrEnded = errors.New("process has ended")
)

// Runner starts processes and counts those that run. The zero value is ready;
// it is safe for concurrent use and must not be copied.
type Runner struct {
	// Max caps the processes that run at once; 0 means 4096.
	Max int
	// NoLogin, Motd and Hushlogin are paths for tests; empty means the usual
	// ones.
	NoLogin []string
	Motd    string

	mu      sync.Mutex
	running int
	changed func(running int) // called with mu held
}

// Running returns how many processes have not ended yet.
func (r *Runner) Running() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running
}

func (r *Runner) enter() error {
	most := r.Max
	if most == 0 {
		most = defaultChilds
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running >= most {
		return ErrChildren
	}
	r.count(1)
	return nil
}

func (r *Runner) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count(-1)
}

func (r *Runner) count(by int) {
	r.running += by
	if r.changed != nil {
		r.changed(r.running)
	}
}

// Process is a running command. Its methods are safe for concurrent use.
type Process struct {
	// Stdin, Stdout and Stderr are our ends. With a terminal the first two are
	// the terminal's master and the third is nil.
	Stdin, Stdout, Stderr *os.File
	// Greeting is text to show on the client's terminal before any output of
	// the process, Notice text for its standard error; both may be empty.
	Greeting, Notice []byte

	process *os.Process
	mu      sync.Mutex // no signal is sent once the process is reaped
	ended   bool
	done    chan struct{}
	exit    Exit
}

// Pid is the process id, and the id of its process group and session.
func (p *Process) Pid() int { return p.process.Pid }

// Wait waits for the process to end; any number of callers may. It does not
// close our ends: output may still be in them.
func (p *Process) Wait() Exit {
	<-p.done
	return p.exit
}

// Done is closed when the process has ended and was reaped.
func (p *Process) Done() <-chan struct{} { return p.done }

// Close closes our ends. A process on a terminal is thereby hung up by the
// kernel; one with pipes reads the end of its input and can't write any more.
func (p *Process) Close() {
	for _, f := range [...]*os.File{p.Stdin, p.Stdout, p.Stderr} {
		if f != nil {
			f.Close()
		}
	}
}

// Hangup sends SIGHUP to the process group and closes our ends. Once the
// process itself has ended, what it left behind in its group is let be.
func (p *Process) Hangup() {
	_ = p.Signal("HUP")
	p.Close()
}

// closeAll closes files, some of which may be nil.
func closeAll(files ...*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}

func startError(what string, err error) error { return fmt.Errorf("starting %q: %w", what, err) }
