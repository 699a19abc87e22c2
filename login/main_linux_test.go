package login

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// This binary is its own helper: as a worker, and as a stranger of the same
// user.
func TestMain(m *testing.M) {
	switch os.Getenv("NACRE_LOGIN_TEST") {
	case "worker":
		if err := RunWorker(context.Background(), testHandler); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "liar", "mute", "doomed":
		misbehave(os.Getenv("NACRE_LOGIN_TEST"))
		os.Exit(3)
	case "stranger":
		os.Exit(stranger(os.Args[1]))
	}
	code := m.Run()
	removeUser()
	os.Exit(code)
}

// testHandler serves a little protocol: the policy says what to do.
func testHandler(ctx context.Context, h *Handed) {
	if string(h.Policy) == "idle" { // with as little stack as can be
		h.State, h.Policy = nil, nil
		waitReadable(h.Conn)
		return
	}
	testTalk(ctx, h)
}

func testTalk(ctx context.Context, h *Handed) {
	switch string(h.Policy) {
	case "echo":
		fmt.Fprintf(h.Conn, "%s|", h.State)
		io.Copy(h.Conn, h.Conn)
	case "status":
		status, _ := os.ReadFile("/proc/self/status")
		h.Conn.Write(status)
	case "regain":
		fmt.Fprintf(h.Conn, "setuid=%v seteuid=%v setgroups=%v", syscall.Setuid(0), syscall.Setresuid(-1, 0, -1), syscall.Setgroups([]int{0}))
	case "panic":
		h.Logger(-4).With("a", 1).WithGroup("g").Info("about to panic\x1b[2J", "b", 2)
		panic("a handler's bug")
	case "sign":
		data := make([]byte, 32)
		for _, algorithm := range []string{"ssh-ed25519", "rsa-sha2-512"} {
			s, err := h.Sign(ctx, algorithm, data)
			fmt.Fprintf(h.Conn, "%s %v\n", s, err)
		}
		refused := 0
		for range signBurst {
			if _, err := h.Sign(ctx, "ssh-ed25519", data); err != nil {
				refused++
			}
		}
		_, err := h.Sign(ctx, "ssh-ed25519", data[:10])
		fmt.Fprintf(h.Conn, "refused %d short %v\n", refused, err)
	case "session":
		p, err := h.Runner.Start(Spec{User: h.User, Command: string(h.State), Env: (&Environment{User: h.User}).List()})
		if err != nil {
			fmt.Fprint(h.Conn, err)
			return
		}
		io.Copy(h.Conn, p.Stdout)
		io.Copy(h.Conn, p.Stderr)
		fmt.Fprintf(h.Conn, "%+v", p.Wait())
	case "child":
		// Leaves a process behind that outlives the connection.
		_, err := h.Runner.Start(Spec{User: h.User, Command: string(h.State)})
		fmt.Fprint(h.Conn, err)
	case "gc":
		debug.FreeOSMemory()
		var s runtime.MemStats
		runtime.ReadMemStats(&s)
		fmt.Fprintf(h.Conn, "heap %d stack %d sys %d", s.HeapAlloc, s.StackInuse, s.Sys)
	case "later":
		// Signs once it is told that the monitor is gone.
		one := make([]byte, 1)
		h.Conn.Read(one)
		h.Conn.Write(one)
		h.Conn.Read(one)
		_, err := h.Sign(ctx, "ssh-ed25519", make([]byte, 32))
		fmt.Fprint(h.Conn, err)
	}
}

// misbehave is a worker that something is wrong with.
func misbehave(how string) {
	control := os.NewFile(controlFD, "control")
	switch how {
	case "liar":
		control.Write([]byte{0xff, 0xff, 0xff, 0xff, msgLog})
		select {}
	case "mute":
		io.Copy(io.Discard, control)
	case "doomed":
		one := make([]byte, 1)
		control.Read(one)
		fmt.Fprintln(os.Stderr, "fatal error: \x1b[31mbad luck")
	}
}

// waitReadable waits without a buffer, as the engine does.
func waitReadable(c net.Conn) {
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return
	}
	one := make([]byte, 1)
	_ = raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), one, syscall.MSG_PEEK)
		return err != syscall.EAGAIN
	})
}

// stranger tries to look into a process of its own user.
func stranger(pid string) int {
	n, _ := strconv.Atoi(pid)
	runtime.LockOSThread()
	_, err := os.ReadDir("/proc/" + pid + "/fd")
	fmt.Println("fd", err == nil)
	_, err = os.Open("/proc/" + pid + "/mem")
	fmt.Println("mem", err == nil)
	_, err = os.ReadFile("/proc/" + pid + "/environ")
	fmt.Println("environ", err == nil)
	err = unix.PtraceSeize(n)
	fmt.Println("ptrace", err == nil)
	return 0
}

var (
	userOnce sync.Once
	userMade *User
)

// person is the user of the tests: a fresh one when we are root, else ourselves.
func person(t testing.TB) *User {
	t.Helper()
	userOnce.Do(func() { userMade = makeUser(t) })
	if userMade == nil {
		t.Fatal("no user to test with")
	}
	return userMade
}

func makeUser(t testing.TB) *User {
	t.Helper()
	db := new(Database)
	if os.Geteuid() != 0 {
		u, err := db.Current()
		if err != nil {
			t.Fatal(err)
		}
		u.Shell = "/bin/sh"
		return u
	}
	name := fmt.Sprintf("nacre%d", os.Getpid())
	if out, err := exec.Command("useradd", "-m", "-s", "/bin/sh", name).CombinedOutput(); err != nil {
		t.Fatalf("useradd: %v: %s", err, out)
	}
	u, err := db.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func removeUser() {
	if userMade == nil || os.Geteuid() != 0 {
		return
	}
	if out, err := exec.Command("userdel", "-r", "-f", userMade.Name).CombinedOutput(); err != nil && !strings.Contains(string(out), "mail spool") {
		fmt.Fprintf(os.Stderr, "userdel: %v: %s", err, out)
	}
}

// homeOf makes a directory that belongs to the user, and a User that lives
// there. Everything above it can be passed by everybody.
func homeOf(t testing.TB, u *User) *User {
	t.Helper()
	dir, err := os.MkdirTemp("", "nacre-home")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		t.Fatal(err)
	}
	mine(t, u, dir, 0o755)
	moved := *u
	moved.Home = dir
	return &moved
}

// mine gives a path to the user.
func mine(t testing.TB, u *User, path string, mode os.FileMode) {
	t.Helper()
	if err := errors.Join(os.Lchown(path, int(u.UID), int(u.GID)), os.Chmod(path, mode)); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, u *User, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	mine(t, u, path, mode)
}

func mkdir(t testing.TB, u *User, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	mine(t, u, path, 0o700)
}

// eventually waits for something that another process does and tells nobody.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}
