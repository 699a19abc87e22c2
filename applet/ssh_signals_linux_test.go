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
// output.
func TestSignalsInSession(t *testing.T) {
	h := startHost(t)
	for _, program := range []string{"ssh", theirs} {
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT} {
			for _, command := range []string{"echo up; sleep 60", "echo up; cat /dev/zero"} {
				cmd := exec.Command(program, "-F", h.conf, "127.0.0.1", command)
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				up := make([]byte, 3)
				if _, err := io.ReadFull(out, up); err != nil {
					t.Fatalf("%s: %v", program, err)
				}
				cmd.Process.Signal(s)
				if state, err := cmd.Process.Wait(); err != nil || state.ExitCode() != 255 {
					t.Errorf("%s, %q, %v: %v, %v", program, command, s, state, err)
				}
				out.Close()
			}
		}
	}
}
