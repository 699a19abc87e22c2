//go:build unix

package applet

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"golang.org/x/sys/unix"
)

// background gives the terminal back to the shell and goes on there, until the
// forwarded connections have ended. Nothing listens any more and the session's
// input ends, as with ssh.
//
// A process can only leave its shell by ending, and a Go program can't fork. So
// this one stops, as for ~^Z, and a helper wakes it once the shell has the
// terminal: it is a job in the background then.
func (e *escaper) background(letter byte) bool {
	if !underShell() {
		e.echo(letter, " [there is no shell to give the terminal to]")
		return true
	}
	e.forwards.Close()
	e.echo(letter, " [backgrounded]")
	e.session.Write([]byte{4}) // ^D
	e.guard.Close()
	e.run.raw.Store(false)
	signal.Ignore(syscall.SIGHUP, syscall.SIGTTOU, syscall.SIGTTIN)
	if err := stopUntilShell(e.run.Stdin); err != nil {
		e.run.say(config.LogError, "ssh: going to the background: %v", err)
	}
	return false
}

// underShell says whether a shell with job control may have started this
// process: one of the same session, with another process group.
func underShell() bool {
	parent := os.Getppid()
	session, err := unix.Getsid(0)
	theirs, err2 := unix.Getsid(parent)
	group, err3 := unix.Getpgid(parent)
	return err == nil && err2 == nil && err3 == nil && session == theirs && group != unix.Getpgrp()
}

// wakeDoor is the helper that wakes a stopped ssh.
const wakeDoor = "ssh-wake"

// stopUntilShell stops this process until somebody else has the terminal.
func stopUntilShell(tty *os.File) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	resumed := make(chan os.Signal, 1)
	signal.Notify(resumed, syscall.SIGCONT)
	defer signal.Stop(resumed)
	helper := &exec.Cmd{
		Path: program, Args: []string{"nacre", wakeDoor, strconv.Itoa(os.Getpid()), strconv.Itoa(unix.Getpgrp())},
		Stdin: tty, SysProcAttr: &syscall.SysProcAttr{Setpgid: true},
	}
	if err := helper.Start(); err != nil {
		return err
	}
	go helper.Wait()
	if err := syscall.Kill(os.Getpid(), syscall.SIGSTOP); err != nil {
		return err
	}
	<-resumed
	return nil
}

// The helper looks so often, and no longer.
const (
	wakePause = 20 * time.Millisecond
	wakeTime  = 10 * time.Second
)

// runSSHWake waits until the terminal on standard input belongs to another
// process group than the second argument's, and wakes the process of the first.
func runSSHWake(ctx context.Context, e *door.Env) int {
	if len(e.Args) != 2 {
		return 1
	}
	pid, err := strconv.Atoi(e.Args[0])
	group, err2 := strconv.Atoi(e.Args[1])
	if err != nil || err2 != nil || pid != os.Getppid() {
		return 1
	}
	tick := time.NewTicker(wakePause) // nobody is told when a terminal changes hands
	defer tick.Stop()
	for end := time.Now().Add(wakeTime); time.Now().Before(end) && ownerOf(e.Stdin) == group; {
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	if syscall.Kill(pid, syscall.SIGCONT) != nil {
		return 1
	}
	return 0
}

// ownerOf is the process group that has a terminal, 0 where that can't be told.
func ownerOf(tty *os.File) (group int) {
	raw, err := tty.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) { group, _ = unix.IoctlGetInt(int(fd), unix.TIOCGPGRP) })
	return group
}

// escapeDoors are the programs that ssh starts for its escapes.
func escapeDoors() []door.Door { return []door.Door{{Name: wakeDoor, Run: runSSHWake}} }
