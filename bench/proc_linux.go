package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// ticks is the unit of processor times in /proc, a second's part (USER_HZ, which
// is the same on every architecture that Go knows).
const ticks = 100

// processes are all of the machine.
func processes() ([]proc, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	var all []proc
	for _, name := range files {
		text, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // it has ended meanwhile
		}
		if err != nil {
			return nil, err
		}
		p, err := parseStat(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, p)
	}
	return all, nil
}

// parseStat reads proc_pid_stat(5). The program's name in it may hold anything,
// so the fields are counted from its last parenthesis.
func parseStat(text []byte) (p proc, err error) {
	at := bytes.LastIndexByte(text, ')')
	if at < 0 {
		return p, errors.New("no program's name")
	}
	f := bytes.Fields(text[at+1:]) // the first is field 3, the state
	if len(f) < 15 {
		return p, errors.New("too few fields")
	}
	number := func(b []byte) int {
		n, e := strconv.Atoi(string(b))
		err = errors.Join(err, e)
		return n
	}
	p.pid = number(bytes.Fields(text)[0])
	p.parent = number(f[1])
	for _, time := range f[11:15] { // utime, stime, cutime, cstime
		p.cpu += float64(number(time)) / ticks
	}
	return p, err
}

// proportional is a process's Pss in bytes.
func proportional(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if errors.Is(err, fs.ErrPermission) {
		return 0, fmt.Errorf("%w: run the bench as root", err)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return 0, nil // it has ended
	}
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) == 3 && string(f[0]) == "Pss:" {
			n, err := strconv.ParseFloat(string(f[1]), 64)
			return n * 1024, err
		}
	}
	return 0, fmt.Errorf("process %d: no Pss", pid)
}

// ownCPU is the processor time of this process, in seconds.
func ownCPU() float64 {
	var u syscall.Rusage
	exit(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// allowFiles lets this process and those it starts have n files open, or as many
// as may be had.
func allowFiles(n uint64) error {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: max(n, limit.Max)}) == nil {
		return nil
	}
	// Set even what is so already: Go hands its children the limit that it was
	// started with, unless somebody sets one.
	limit.Cur = limit.Max
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit)
}

// guardRole runs a server until it ends, and is the parent of whatever loses its
// own below it: sshd lets its session processes go, and what they have spent
// would be nobody's.
func guardRole(argv []string) error {
	const subreaper = 36 // PR_SET_CHILD_SUBREAPER, prctl(2)
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, subreaper, 1, 0); errno != 0 {
		return fmt.Errorf("adopt orphans: %w", errno)
	}
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{Files: []*os.File{os.Stdin, os.Stdout, os.Stderr}})
	if err != nil {
		return err
	}
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if err != nil && err != syscall.EINTR {
			return err
		}
		if pid == p.Pid {
			return fmt.Errorf("%s: exit status %d", argv[0], status.ExitStatus())
		}
	}
}

// signalProfile asks a process of ours for its profiles.
func signalProfile(pid int) { _ = syscall.Kill(pid, syscall.SIGUSR2) }
