//go:build unix

package login

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Start starts a command or a shell in a session and process group of its own.
// Our ends are non-blocking and close-on-exec; no other descriptor of this
// process gets into the child, and neither do its signal mask, its core limit
// or its raised limit of open files (os/exec restores that one).
//
// It returns [ErrOtherUser], [ErrChildren], a [*NoLoginError], or what the
// system said.
func (r *Runner) Start(s Spec) (*Process, error) {
	p, err := r.start(s)
	if s.PTY != nil {
		s.PTY.Slave.Close()
		if err != nil {
			s.PTY.Master.Close()
		}
	}
	return p, err
}

func (r *Runner) start(s Spec) (*Process, error) {
	if uint32(os.Geteuid()) != s.User.UID || uint32(os.Getuid()) != s.User.UID {
		return nil, ErrOtherUser
	}
	if text, closed := r.noLogin(s.User); closed {
		return nil, &NoLoginError{text}
	}
	if err := r.enter(); err != nil {
		return nil, err
	}
	p, err := r.launch(s)
	if err != nil {
		r.leave()
		return nil, err
	}
	go r.reap(p)
	return p, nil
}

func (r *Runner) launch(s Spec) (*Process, error) {
	p := &Process{done: make(chan struct{})}
	theirs, err := p.connect(s.PTY)
	if err != nil {
		return nil, err
	}
	attr := &os.ProcAttr{
		Files: theirs,
		Env:   s.Env,
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: s.PTY != nil, Ctty: 0},
	}
	if attr.Env == nil {
		attr.Env = []string{} // nil would mean our own
	}
	var notice []byte
	attr.Dir, notice = startDir(s.User)
	if s.PTY != nil {
		p.Greeting = append(notice, r.motd(s)...)
		p.Greeting = bytes.ReplaceAll(p.Greeting, []byte("\n"), []byte("\r\n"))
	} else {
		p.Notice = notice
	}
	p.process, err = startClean(s.User.Shell, arguments(s), attr)
	if s.PTY == nil {
		closeAll(theirs...)
	}
	if err != nil {
		p.Close()
		return nil, startError(s.User.Shell, err)
	}
	return p, nil
}

// arguments are what sshd gives the shell: "-bash" makes it a login shell.
func arguments(s Spec) []string {
	name := path.Base(s.User.Shell)
	if s.Shell {
		return []string{"-" + name}
	}
	return []string{name, "-c", s.Command}
}

// connect makes our ends and returns those of the child.
func (p *Process) connect(pty *PTY) ([]*os.File, error) {
	if pty != nil {
		p.Stdin, p.Stdout = pty.Master, pty.Master
		return []*os.File{pty.Slave, pty.Slave, pty.Slave}, nil
	}
	var theirs [3]*os.File
	var err error
	if theirs[0], p.Stdin, err = os.Pipe(); err == nil {
		if p.Stdout, theirs[1], err = os.Pipe(); err == nil {
			p.Stderr, theirs[2], err = os.Pipe()
		}
	}
	if err != nil {
		p.Close()
		closeAll(theirs[:]...)
		return nil, err
	}
	growPipe(p.Stdin)
	growPipe(p.Stdout)
	return theirs[:], nil
}

// startDir is the user's home, or the root with sshd's complaint.
func startDir(u *User) (string, []byte) {
	err := unix.Access(u.Home, unix.X_OK)
	if info, err2 := os.Stat(u.Home); err == nil && err2 == nil && !info.IsDir() {
		err = syscall.ENOTDIR
	}
	if err == nil {
		return u.Home, nil
	}
	return "/", []byte("Could not chdir to home directory " + u.Home + ": " + err.Error() + "\n")
}

// noLogin returns the text that switches logins off for everybody but root.
func (r *Runner) noLogin(u *User) ([]byte, bool) {
	if u.root() {
		return nil, false
	}
	files := r.NoLogin
	if files == nil {
		files = []string{"/etc/nologin", "/run/nologin"}
	}
	for _, name := range files {
		if _, err := os.Stat(name); err == nil {
			return readNotice(name), true
		}
	}
	return nil, false
}

func (r *Runner) motd(s Spec) []byte {
	if !s.PrintMotd || !s.Shell {
		return nil
	}
	if _, err := os.Stat(path.Join(s.User.Home, ".hushlogin")); err == nil {
		return nil
	}
	return readNotice(or(r.Motd, "/etc/motd"))
}

func readNotice(name string) []byte {
	f, err := openReading(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	text, _ := io.ReadAll(io.LimitReader(f, maxNotice))
	return text
}

// reap waits for the process whether anybody asks or not, so that no zombie
// stays.
func (r *Runner) reap(p *Process) {
	// Reap only after no signal will be sent any more: until it is reaped, the
	// pid can't be another's.
	if awaitExit(p.process.Pid) {
		p.end()
	}
	state, err := p.process.Wait()
	p.end()
	p.exit = Exit{Code: 255}
	if err == nil {
		p.exit = exitOf(state.Sys().(syscall.WaitStatus))
	}
	close(p.done)
	r.leave()
}

func (p *Process) end() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
}

func exitOf(w syscall.WaitStatus) Exit {
	if w.Signaled() {
		return Exit{Signal: signalName(w.Signal()), Core: w.CoreDump()}
	}
	return Exit{Code: w.ExitStatus()}
}

// signals are those of RFC 4254, section 6.10.
func signals() []struct {
	name   string
	signal syscall.Signal
} {
	return []struct {
		name   string
		signal syscall.Signal
	}{
		{"ABRT", syscall.SIGABRT}, {"ALRM", syscall.SIGALRM}, {"FPE", syscall.SIGFPE}, {"HUP", syscall.SIGHUP},
		{"ILL", syscall.SIGILL}, {"INT", syscall.SIGINT}, {"KILL", syscall.SIGKILL}, {"PIPE", syscall.SIGPIPE},
		{"QUIT", syscall.SIGQUIT}, {"SEGV", syscall.SIGSEGV}, {"TERM", syscall.SIGTERM},
		{"USR1", syscall.SIGUSR1}, {"USR2", syscall.SIGUSR2},
	}
}

func signalName(s syscall.Signal) string {
	for _, row := range signals() {
		if row.signal == s {
			return row.name
		}
	}
	if name, ok := strings.CutPrefix(unix.SignalName(s), "SIG"); ok {
		return name + "@openssh.com"
	}
	return "SIG@openssh.com" // what sshd says of the others
}

// Signal sends a signal, named as in RFC 4254, to the process group.
func (p *Process) Signal(name string) error {
	for _, row := range signals() {
		if row.name == name {
			return p.kill(row.signal)
		}
	}
	return ErrSignal
}

func (p *Process) kill(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return ErrEnded
	}
	return syscall.Kill(-p.process.Pid, s)
}

// IsEnd says whether an error of reading a process's output only means that
// there is no more: io.EOF, or EIO from a terminal that everybody has left.
func IsEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.EIO) || errors.Is(err, os.ErrClosed)
}
