package login

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// monitor is a supervisor whose workers are this test binary.
type monitor struct {
	*Supervisor
	t    testing.TB
	c    Context
	mu   sync.Mutex
	log  bytes.Buffer
	over []any // the tags of connections that ended
}

func newMonitor(t testing.TB, mode string) *monitor {
	t.Helper()
	u := *person(t)
	m := &monitor{t: t, c: Context{User: &u}}
	m.Supervisor = &Supervisor{
		Args: func(c Context) []string { return []string{"nacre: " + c.User.Name} },
		Env:  []string{"NACRE_LOGIN_TEST=" + mode, "PATH=" + os.Getenv("PATH"), "GOCOVERDIR=" + os.TempDir()},
		Sign: func(_ context.Context, id uint64, algorithm string, data []byte) ([]byte, error) {
			return fmt.Appendf(nil, "%d signed %d with %s", id, len(data), algorithm), nil
		},
		Ended: func(_ uint64, tag any) {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.over = append(m.over, tag)
		},
		Idle: 200 * time.Millisecond,
	}
	m.Log = slog.New(slog.NewTextHandler(m, &slog.HandlerOptions{Level: slog.LevelDebug}))
	t.Cleanup(func() {
		m.Close()
		m.Wait()
	})
	return m
}

func (m *monitor) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.Write(b)
}

func (m *monitor) logged() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.log.String()
}

func (m *monitor) ends() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.over)
}

// hand hands one end of a fresh socket over and returns the other.
func (m *monitor) hand(policy, state, unread string) (net.Conn, error) {
	m.t.Helper()
	ours, theirs, err := socketPair()
	must(m.t, err)
	must(m.t, ours.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(ours, unread)
	must(m.t, err)
	_, err = m.Hand(context.Background(), m.c, Handover{
		Socket: theirs, State: []byte(state), Policy: []byte(policy), Algorithms: []string{"ssh-ed25519"}, Tag: policy,
	})
	theirs.Close()
	if err != nil {
		ours.Close()
	}
	return ours, err
}

// ask hands a connection over and returns all that the worker says on it.
func (m *monitor) ask(policy, state string) string {
	m.t.Helper()
	c, err := m.hand(policy, state, "")
	must(m.t, err)
	defer c.Close()
	b, err := io.ReadAll(c)
	must(m.t, err)
	return string(b)
}

func (m *monitor) pid() int {
	m.Supervisor.mu.Lock()
	defer m.Supervisor.mu.Unlock()
	for _, w := range m.workers {
		return w.pid
	}
	return 0
}

func TestWorkerStatus(t *testing.T) {
	m := newMonitor(t, "worker")
	u := m.c.User
	status := "\n" + m.ask("status", "")
	value := func(name string) []string {
		_, line, _ := strings.Cut(status, "\n"+name+":")
		line, _, _ = strings.Cut(line, "\n")
		return strings.Fields(line)
	}
	four := func(id uint32) []string { return slices.Repeat([]string{itoa(int(id))}, 4) }
	if !slices.Equal(value("Uid"), four(u.UID)) {
		t.Errorf("user ids are %q", value("Uid"))
	}
	want := map[string]string{"NoNewPrivs": "0", "Name": "nacre"}
	if os.Geteuid() == 0 {
		if !slices.Equal(value("Gid"), four(u.GID)) || len(value("Groups")) != len(u.Groups) {
			t.Errorf("groups are %q and %q", value("Gid"), value("Groups"))
		}
		want["CapPrm"], want["CapEff"], want["CapAmb"] = "0000000000000000", "0000000000000000", "0000000000000000"
	}
	for name, want := range want {
		if got := strings.Join(value(name), " "); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if u.UID != 0 {
		got := m.ask("regain", "")
		if strings.Count(got, "operation not permitted") != 3 {
			t.Errorf("root is not out of reach: %s", got)
		}
	}
}

// Another process of the same user sees nothing of the worker; that it sees
// something of an ordinary process shows that the test would notice.
func TestWorkerIsClosedToItsUser(t *testing.T) {
	m := newMonitor(t, "worker")
	c, err := m.hand("idle", "", "")
	must(t, err)
	defer c.Close()
	look := func(pid int) string {
		cmd := exec.Command("/proc/self/exe", itoa(pid))
		cmd.Env = []string{"NACRE_LOGIN_TEST=stranger", "GOCOVERDIR=" + os.TempDir()}
		asUser(cmd, m.c.User)
		out, err := cmd.Output()
		must(t, err)
		return string(out)
	}
	if got := look(m.pid()); got != "fd false\nmem false\nenviron false\nptrace false\n" {
		t.Errorf("the worker: %s", got)
	}
	sleeper := exec.Command("sleep", "1000")
	asUser(sleeper, m.c.User)
	must(t, sleeper.Start())
	defer func() { sleeper.Process.Kill(); sleeper.Wait() }()
	if got := look(sleeper.Process.Pid); !strings.HasPrefix(got, "fd true\n") || !strings.Contains(got, "environ true") {
		t.Errorf("an ordinary process: %s", got)
	}
}

func asUser(cmd *exec.Cmd, u *User) {
	cmd.Dir = "/"
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}}
	}
}

func TestHandUnreadBytes(t *testing.T) {
	m := newMonitor(t, "worker")
	for _, n := range []int{0, 1, 1000, 60000, MaxState} {
		state := strings.Repeat("s", n)
		c, err := m.hand("echo", state, "unread")
		must(t, err)
		_, err = io.WriteString(c, " and more")
		must(t, err)
		must(t, c.(*net.UnixConn).CloseWrite())
		got, err := io.ReadAll(c)
		must(t, err)
		if string(got) != state+"|unread and more" {
			t.Errorf("%d bytes of state: %d bytes, %.40q", n, len(got), got)
		}
		c.Close()
	}
	eventually(t, "five ends", func() bool { return m.ends() == 5 })
	if n, workers := m.Live(); n != 0 || workers != 1 {
		t.Errorf("%d connections and %d workers are live", n, workers)
	}
	_, err := m.hand("echo", strings.Repeat("s", MaxState+1), "")
	if err == nil {
		t.Error("a state beyond the cap is taken")
	}
}

func TestHandTCP(t *testing.T) {
	m := newMonitor(t, "worker")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	must(t, err)
	defer c.Close()
	server, err := l.Accept()
	must(t, err)
	_, err = m.Hand(context.Background(), m.c, Handover{Socket: server.(*net.TCPConn), Policy: []byte("echo")})
	server.Close()
	must(t, err)
	io.WriteString(c, "hello")
	c.(*net.TCPConn).CloseWrite()
	if got, err := io.ReadAll(c); string(got) != "|hello" {
		t.Errorf("%q %v", got, err)
	}
}

// Workers end all the time, and yet every connection is served.
func TestRestartRace(t *testing.T) {
	m := newMonitor(t, "worker")
	m.Idle = time.Nanosecond
	const rounds, beside = 40, 4
	var all sync.WaitGroup
	for range beside {
		all.Go(func() {
			for range rounds {
				if got := m.ask("sign", ""); !strings.Contains(got, "refused") {
					t.Errorf("%q", got)
				}
			}
		})
	}
	all.Wait()
	eventually(t, "the end of all", func() bool { return m.ends() == rounds*beside })
	eventually(t, "the last worker's end", func() bool { _, n := m.Live(); return n == 0 })
	if n := strings.Count(m.logged(), "process ended"); n < 2 {
		t.Logf("only %d workers were needed", n)
	}
}

// A worker that is killed loses what it serves, and nothing else.
func TestWorkerKilled(t *testing.T) {
	m := newMonitor(t, "worker")
	for range 20 {
		c, err := m.hand("idle", "", "")
		must(t, err)
		must(t, syscall.Kill(m.pid(), syscall.SIGKILL))
		second, err := m.hand("echo", "again", "") // most likely before the death is noticed
		must(t, err)
		must(t, second.(*net.UnixConn).CloseWrite())
		if b, err := io.ReadAll(second); string(b) != "again|" {
			t.Errorf("%q %v", b, err)
		}
		if b, _ := io.ReadAll(c); len(b) != 0 {
			t.Errorf("%q", b)
		}
		c.Close()
		second.Close()
	}
	eventually(t, "the end of all", func() bool { return m.ends() == 40 })
}

func TestSign(t *testing.T) {
	m := newMonitor(t, "worker")
	lines := strings.Split(m.ask("sign", ""), "\n")
	if lines[0] != "1 signed 32 with ssh-ed25519 <nil>" {
		t.Errorf("%q", lines[0])
	}
	if !strings.Contains(lines[1], "not negotiated") {
		t.Errorf("%q", lines[1])
	}
	if lines[2] != "refused 1 short no signature from the monitor: 10 bytes are no exchange hash" {
		t.Errorf("%q", lines[2])
	}
	if log := m.logged(); !strings.Contains(log, "signing a key exchange") || !strings.Contains(log, "too many signatures") {
		t.Error(log)
	}
}

// What no honest worker asks for gets no signature.
func TestSignOracle(t *testing.T) {
	var s Supervisor
	mine, other := &worker{}, &worker{}
	s.Sign = func(context.Context, uint64, string, []byte) ([]byte, error) { panic("signed") }
	s.conns = map[uint64]*handed{
		1: {id: 1, worker: mine, begun: true, algorithms: []string{"a"}},
		2: {id: 2, worker: other, begun: true, algorithms: []string{"a"}},
		3: {id: 3, worker: mine, algorithms: []string{"a"}},
		4: {id: 4, worker: mine, begun: true, signing: true, algorithms: []string{"a"}},
	}
	for id, lie := range map[uint64]bool{1: false, 2: true, 3: true, 4: true, 5: true} {
		if _, err := s.maySign(mine, &signRequest{id: id, algorithm: "a"}); (err != nil) != lie {
			t.Errorf("%d: %v", id, err)
		}
	}
	if err := s.takeEnded(mine, idFrame(msgEnded, 2)[frameHeader:]); err != nil || s.conns[2] == nil {
		t.Error("a worker ends another's connection")
	}
}

func TestPanicEndsOneConnection(t *testing.T) {
	m := newMonitor(t, "worker")
	c, err := m.hand("echo", "first", "")
	must(t, err)
	defer c.Close()
	pid := m.pid()
	if got := m.ask("panic", ""); got != "" {
		t.Errorf("%q", got)
	}
	eventually(t, "the panic's line", func() bool { return strings.Contains(m.logged(), "a handler's bug") })
	if log := m.logged(); !strings.Contains(log, `about to panic\\x1b[2J a=1 g.b=2`) {
		t.Error(log)
	}
	must(t, c.(*net.UnixConn).CloseWrite())
	if b, err := io.ReadAll(c); string(b) != "first|" || m.pid() != pid {
		t.Errorf("%q %v", b, err)
	}
}

func TestConnectionCap(t *testing.T) {
	m := newMonitor(t, "worker")
	m.MaxConnections = 1
	c, err := m.hand("idle", "", "")
	must(t, err)
	defer c.Close()
	var refused *RefusedError
	if _, err := m.hand("idle", "", ""); !errors.As(err, &refused) || refused.Reason != "too many connections" {
		t.Error(err)
	}
}

// A session in a worker runs as the user, with what the monitor was started
// with and not with what it gave itself (F34).
func TestSessionInWorker(t *testing.T) {
	const ask = "id -u; umask; ulimit -n; ulimit -c; cat /proc/self/oom_score_adj; ls /proc/self/fd | tr '\\n' ' '; echo; pwd; grep -E 'Sig(Blk|Ign)' /proc/self/status"
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	var core syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_CORE, &core))
	defer func() { _ = syscall.Setrlimit(syscall.RLIMIT_CORE, &core) }()
	must(t, syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{Cur: core.Max, Max: core.Max}))
	plain, err := exec.Command("/bin/sh", "-c", "ulimit -n; ulimit -c; cat /proc/self/oom_score_adj").Output()
	must(t, err)
	was := strings.Split(string(plain), "\n")
	must(t, PrepareMonitor())
	defer func() {
		_ = os.WriteFile(oomFile, []byte(was[2]), 0)
		oomStart.Store(0)
	}()
	if b, _ := os.ReadFile(oomFile); string(b) != "-1000\n" && os.WriteFile(oomFile, []byte("-1000"), 0) == nil {
		t.Errorf("the monitor's score is %q", b)
	}
	m := newMonitor(t, "worker")
	m.c.User = homeOf(t, m.c.User)
	got := standardSignals(m.ask("session", ask))
	want := strings.Join([]string{
		itoa(int(m.c.User.UID)), "0022", was[0], was[1], was[2], "0 1 2 3 ", m.c.User.Home,
		"SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "{Code:0 Signal: Core:false}",
	}, "\n")
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// A worker stays for its last process.
func TestWorkerWaitsForChildren(t *testing.T) {
	m := newMonitor(t, "worker")
	m.Idle = time.Nanosecond
	u := homeOf(t, person(t))
	m.c.User = u
	if got := m.ask("child", "sleep 0.3; echo > '"+u.Home+"/done'"); got != "<nil>" {
		t.Fatal(got)
	}
	eventually(t, "the worker's end", func() bool { _, n := m.Live(); return n == 0 })
	if _, err := os.Stat(u.Home + "/done"); err != nil {
		t.Error(err)
	}
}

// A restarted listener cuts no session, but what is left gets no signatures.
func TestMonitorGone(t *testing.T) {
	m := newMonitor(t, "worker")
	c, err := m.hand("later", "", "x")
	must(t, err)
	one := make([]byte, 1)
	_, err = io.ReadFull(c, one)
	must(t, err)
	m.Close()
	if _, err := m.hand("echo", "", ""); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	io.WriteString(c, "y")
	if b, err := io.ReadAll(c); !strings.Contains(string(b), ErrNoSignature.Error()) {
		t.Errorf("%q %v", b, err)
	}
	m.Wait()
}

func TestBrokenWorkers(t *testing.T) {
	for mode, want := range map[string]string{
		"liar":   "broke the protocol and is killed",
		"doomed": `the user's process says: fatal error: \\x1b[31mbad luck`,
		"mute":   "ended",
	} {
		t.Run(mode, func(t *testing.T) {
			m := newMonitor(t, mode)
			m.patience = 100 * time.Millisecond
			if _, err := m.hand("echo", "", ""); !errors.Is(err, errGone) {
				t.Error(err)
			}
			if n, _ := m.Live(); n != 0 || len(m.conns) != 0 {
				t.Errorf("%d connections are remembered", len(m.conns))
			}
			m.Close()
			m.Wait()
			if !strings.Contains(m.logged(), want) {
				t.Error(m.logged())
			}
			if m.ends() != 0 {
				t.Error("a connection that never began has ended")
			}
		})
	}
}

func TestHandCancelled(t *testing.T) {
	m := newMonitor(t, "mute")
	ours, theirs, err := socketPair()
	must(t, err)
	defer ours.Close()
	defer theirs.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := m.Hand(ctx, m.c, Handover{Socket: theirs}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if len(m.conns) != 0 {
		t.Error("the connection is remembered")
	}
}

// A worker that its user stopped delays the next login, which then gets a fresh
// one; when it wakes up it serves what it had, and not what was withdrawn.
func TestStoppedWorker(t *testing.T) {
	m := newMonitor(t, "worker")
	first, err := m.hand("echo", "first", "")
	must(t, err)
	defer first.Close()
	pid := m.pid()
	must(t, syscall.Kill(pid, syscall.SIGSTOP))
	m.patience = 300 * time.Millisecond
	second, err := m.hand("echo", "second", "")
	must(t, err)
	defer second.Close()
	must(t, syscall.Kill(pid, syscall.SIGCONT))
	for _, c := range []net.Conn{first, second} {
		must(t, c.(*net.UnixConn).CloseWrite())
	}
	if b, err := io.ReadAll(second); string(b) != "second|" {
		t.Errorf("%q %v", b, err)
	}
	if b, err := io.ReadAll(first); string(b) != "first|" {
		t.Errorf("%q %v", b, err)
	}
}

// 2 000 idle connections cost little in both processes, and no goroutine in the
// monitor.
func TestIdleCost(t *testing.T) {
	m := newMonitor(t, "worker")
	const n = 2000
	conns := make([]net.Conn, 0, n)
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	c, err := m.hand("idle", strings.Repeat("s", 2000), "")
	must(t, err)
	conns = append(conns, c)
	m.ask("gc", "")
	goroutines := runtime.NumGoroutine()
	heap, worker := heapInUse(), resident(t, m.pid())
	ours, theirs, err := socketPair()
	must(t, err)
	defer ours.Close()
	defer theirs.Close()
	policy, state := []byte("idle"), make([]byte, 2000)
	for range n {
		if _, err := m.Hand(context.Background(), m.c, Handover{Socket: theirs, State: state, Policy: policy}); err != nil {
			t.Fatal(err)
		}
	}
	if live, workers := m.Live(); live != n+1 || workers != 1 {
		t.Errorf("%d connections and %d workers are live", live, workers)
	}
	t.Log(m.ask("gc", ""))
	mine, its := (heapInUse()-heap)/n, (resident(t, m.pid())-worker)/n
	t.Logf("%d bytes in the monitor, %d in the worker", mine, its)
	if raceDetector {
		its = 0 // its shadow memory is four times ours
	}
	if mine > 512 || its > 6<<10 {
		t.Errorf("a connection costs %d bytes in the monitor and %d in the worker", mine, its)
	}
	if g := runtime.NumGoroutine(); g > goroutines+2 {
		t.Errorf("%d goroutines became %d", goroutines, g)
	}
}

func heapInUse() int {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc)
}

func resident(t testing.TB, pid int) int {
	t.Helper()
	b, err := os.ReadFile("/proc/" + itoa(pid) + "/statm")
	must(t, err)
	pages := 0
	_, err = fmt.Sscan(strings.Fields(string(b))[1], &pages)
	must(t, err)
	return pages * os.Getpagesize()
}

// By hand a worker does nothing.
func TestWorkerByHand(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = []string{"NACRE_LOGIN_TEST=worker", "GOCOVERDIR=" + os.TempDir()}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || !strings.Contains(string(out), "started by nacre sshd") {
		t.Errorf("%v: %s", err, out)
	}
}
