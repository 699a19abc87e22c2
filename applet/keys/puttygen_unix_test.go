//go:build unix

package keys

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// withoutTerminal lets a program not find the terminal that the tests may run
// at.
func withoutTerminal(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// A run that is killed, whenever it is, or that can't write, leaves the old file
// or the new one.
func TestPuttygenKilled(t *testing.T) {
	dir := puttyDir(t)
	old := fileIn(t, dir, "rsa.ppk")
	r := runIn(t, dir, "", "sh", "-c", "ulimit -f 0; exec nacre puttygen rsa.ppk -C new")
	if r.code == 0 || fileIn(t, dir, "rsa.ppk") != old {
		t.Fatalf("without room: %+v, %s", r, fileIn(t, dir, "rsa.ppk"))
	}
	must(t, dir, "nacre", "puttygen", "rsa.ppk", "-C", "new", "-o", "new.ppk")
	whole := fileIn(t, dir, "new.ppk")
	for delay := time.Duration(0); delay < 60*time.Millisecond; delay += 5 * time.Millisecond {
		cmd := exec.Command("nacre", "puttygen", "rsa.ppk", "-C", "new")
		cmd.Dir = dir
		withoutTerminal(cmd)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(delay, func() { cmd.Process.Kill() })
		cmd.Wait()
		timer.Stop()
		if got := fileIn(t, dir, "rsa.ppk"); got != old && got != whole {
			t.Fatalf("killed after %v it left\n%s", delay, got)
		}
		if err := os.WriteFile(filepath.Join(dir, "rsa.ppk"), []byte(old), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
