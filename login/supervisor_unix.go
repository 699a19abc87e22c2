//go:build unix

package login

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// controlFD is the descriptor of a worker's end of the control socket.
const controlFD = 3

// worker is a user's process as the monitor sees it.
type worker struct {
	key, user string
	pid       int
	cmd       *exec.Cmd
	control   *net.UnixConn
	signers   chan struct{}
	stderr    *os.File
	stderrLog func(string)

	sendMu sync.Mutex // a frame is never interleaved with another

	// Belonging to the reader.
	logs     bucket
	unlogged int
}

// spawn starts a worker and tells it who it is. Messages may be sent at once:
// they wait in the socket.
func (s *Supervisor) spawn(c Context) (*worker, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("starting the process of %s: %w", c.User.Name, err)
	}
	defer theirs.Close()
	stderr, stderrChild, err := os.Pipe()
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("starting the process of %s: %w", c.User.Name, err)
	}
	defer stderrChild.Close()
	program := s.Program
	if program == "" {
		program = ownProgram()
	}
	cmd := &exec.Cmd{
		Path: program, Args: s.Args(c), Env: s.environ(), Dir: "/",
		Stderr:     stderrChild,
		ExtraFiles: []*os.File{theirs},
		// A session of its own: a key typed at the monitor's terminal is not
		// for the user's sessions.
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := startCommand(cmd); err != nil {
		closeAll(stderr)
		ours.Close()
		return nil, fmt.Errorf("starting the process of %s: %w", c.User.Name, err)
	}
	w := &worker{
		user: c.User.Name, pid: cmd.Process.Pid, cmd: cmd, control: ours, stderr: stderr,
		signers: make(chan struct{}, maxSigners),
	}
	w.stderrLog = func(text string) { s.log(slog.LevelError, "the user's process says: "+text, w) }
	if err := w.send(s.setup(c).frame(), nil); err != nil {
		w.hangup()
		w.kill()
		w.wait()
		return nil, fmt.Errorf("starting the process of %s: %w", c.User.Name, err)
	}
	return w, nil
}

func (s *Supervisor) setup(c Context) *setup {
	set := &setup{user: *c.User, idle: s.Idle, connections: uint32(s.MaxConnections), children: uint32(s.MaxChildren), oomScore: originalOOM()}
	if set.idle == 0 {
		set.idle = defaultIdle
	}
	if set.connections == 0 {
		set.connections = defaultConns
	}
	if set.children == 0 {
		set.children = defaultChilds
	}
	return set
}

// socketPair returns our end and the file to give away.
func socketPair() (*net.UnixConn, *os.File, error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	theirs := os.NewFile(uintptr(fds[1]), "control")
	file := os.NewFile(uintptr(fds[0]), "control")
	defer file.Close()
	ours, err := unixConn(file)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return ours, theirs, nil
}

// unixConn makes a connection of a duplicate of the file.
func unixConn(file *os.File) (*net.UnixConn, error) {
	c, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("control socket is a %T", c)
	}
	return u, nil
}

// send writes a frame, and with its first byte the descriptor of a socket. A
// worker that does not read for long is let go: half a frame can't be followed
// by another.
func (w *worker) send(b []byte, socket syscall.Conn) error {
	w.sendMu.Lock()
	defer w.sendMu.Unlock()
	if err := w.control.SetWriteDeadline(time.Now().Add(unsentDeadline)); err != nil {
		return err
	}
	n := 0
	if socket != nil {
		var err error
		if n, err = writeWithSocket(w.control, b, socket); err != nil {
			w.hangup()
			return err
		}
	}
	if _, err := w.control.Write(b[n:]); err != nil {
		w.hangup()
		return err
	}
	return nil
}

// writeWithSocket writes as much of b as goes into one message, with the
// descriptor.
func writeWithSocket(control *net.UnixConn, b []byte, socket syscall.Conn) (int, error) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, err
	}
	n := 0
	var failed error
	// Within Control the descriptor can't be closed under us.
	err = raw.Control(func(fd uintptr) {
		n, _, failed = control.WriteMsgUnix(b[:min(len(b), 4096)], syscall.UnixRights(int(fd)), nil)
	})
	if err == nil {
		err = failed
	}
	return n, err
}

func (w *worker) answer(s *signed) { _ = w.send(s.frame(), nil) }

// read gives f each frame until the worker closes its end or breaks the format.
// Descriptors that a worker sends are never received: read(2) drops them.
func (w *worker) read(f func(kind byte, body []byte) error) error {
	buf := make([]byte, 0, 2048) // the longest frame of a worker fits
	for {
		kind, body, size, err := parseFrame(buf, false)
		if err != nil {
			return err
		}
		if size > 0 {
			if err := f(kind, body); err != nil {
				return errors.Join(errProtocol, err)
			}
			buf = buf[:copy(buf, buf[size:])]
			continue
		}
		n, err := w.control.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if n == 0 && err != nil {
			return err
		}
	}
}

func (w *worker) hangup() { w.control.Close() }

func (w *worker) kill() { _ = w.cmd.Process.Kill() }

// wait passes on what the process writes on its standard error (only the
// runtime does, when it dies) and reaps it.
func (w *worker) wait() string {
	text, _ := io.ReadAll(io.LimitReader(w.stderr, maxStderr))
	_, _ = io.Copy(io.Discard, w.stderr) // or its next write would kill it
	w.stderr.Close()
	if len(text) > 0 {
		w.stderrLog(printable(text))
	}
	_ = w.cmd.Wait()
	return w.cmd.ProcessState.String()
}
