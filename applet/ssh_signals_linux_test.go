package applet

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A run without a session is ended by SIGTERM with success, as ssh's is, and
// leaves no socket behind.
func TestSignalsWithoutSession(t *testing.T) {
	h := startHost(t)
	for _, program := range []string{"ssh", theirs} {
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
				said, err := cmd.StderrPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				for lines := bufio.NewScanner(said); lines.Scan(); {
					if strings.Contains(lines.Text(), "Entering interactive session.") {
						cmd.Process.Signal(s)
					}
				}
				cmd.Wait()
				left, _ := os.ReadDir(dir)
				if code := cmd.ProcessState.ExitCode(); code != want && program == "ssh" || len(left) > 0 {
					t.Errorf("%s, %v, shared %v: exit code %d, want %d; %v is left", program, s, shared, code, want, left)
				}
			}
		}
	}
}
