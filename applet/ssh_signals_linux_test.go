package applet

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A run without a session is ended by SIGTERM with success, as ssh's is, and
// leaves no socket behind.
func TestSignalsWithoutSession(t *testing.T) {
	h := startHost(t)
	// What a program says once it takes signals: OpenSSH says that it enters a
	// session before it does.
	takes := map[string]string{
		"ssh":  "Entering interactive session.",
		theirs: "rtype hostkeys-00@openssh.com",
	}
	for program, said := range takes {
		for s, want := range map[syscall.Signal]int{syscall.SIGTERM: 0, syscall.SIGHUP: 255} {
			for _, shared := range []bool{false, true} {
				dir, err := os.MkdirTemp("", "sig")
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { os.RemoveAll(dir) })
				args := []string{"-v", "-F", h.conf, "-N"}
				if shared {
					args = append(args, "-M", "-S", filepath.Join(dir, "s"))
				}
				cmd := exec.Command(program, append(args, "127.0.0.1")...)
				log, err := cmd.StderrPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan struct{})
				for lines := bufio.NewScanner(log); lines.Scan(); {
					if strings.Contains(lines.Text(), said) {
						go signalUntil(ended, cmd.Process, s)
					}
				}
				cmd.Wait()
				close(ended)
				left, _ := os.ReadDir(dir)
				if code := cmd.ProcessState.ExitCode(); code != want && program == "ssh" || len(left) > 0 {
					t.Errorf("%s, %v, shared %v: exit code %d, want %d; %v is left", program, s, shared, code, want, left)
				}
			}
		}
	}
}

// signalUntil sends a signal, and again where it was missed: OpenSSH looks for
// signals before it begins to wait, and one that comes between changes nothing.
func signalUntil(ended <-chan struct{}, p *os.Process, s syscall.Signal) {
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		p.Signal(s) // it may have ended
		select {
		case <-ended:
			return
		case <-again.C:
		}
	}
}

// A session is ended by a signal with 255, as ssh's is, though nobody takes its
// output; one on a shared connection, too.
func TestSignalsInSession(t *testing.T) {
	h := startHost(t)
	for _, program := range []string{"ssh", theirs} {
		master := startMaster(t, h, program)
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT} {
			for _, shared := range []string{"none", master.socket} {
				if program == theirs && s == syscall.SIGQUIT && shared != "none" {
					continue // it dumps core
				}
				for _, command := range []string{"echo up; sleep 60", "echo up; cat /dev/zero"} {
					cmd := exec.Command(program, "-F", h.conf, "-S", shared, "127.0.0.1", command)
					if state := signalled(t, cmd, s); state.ExitCode() != 255 {
						t.Errorf("%s -S %s, %q, %v: %v", program, shared, command, s, state)
					}
				}
			}
		}
	}
}

// signalled sends a program a signal when it has said something, and returns how
// it ended.
func signalled(t *testing.T, cmd *exec.Cmd, s syscall.Signal) *os.ProcessState {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	up := make([]byte, 3)
	if _, err := io.ReadFull(out, up); err != nil {
		t.Fatalf("%q: %v", cmd.Args, err)
	}
	cmd.Process.Signal(s)
	state, err := cmd.Process.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return state
}
