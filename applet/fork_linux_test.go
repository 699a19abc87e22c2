package applet

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// ssh -f comes back once it is logged in; its command goes on and writes where
// ssh did.
func TestForkAfterAuthentication(t *testing.T) {
	h := startHost(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, "ssh", "-f", "-F", h.conf, "127.0.0.1", "echo begun; cat "+fifo)
	cmd.Stdout = w
	cmd.Stderr = w
	err = cmd.Run() // it comes back, though the command can't have ended
	w.Close()
	if err != nil {
		said, _ := io.ReadAll(r)
		t.Fatalf("ssh -f: %v: %s", err, said)
	}
	if err := os.WriteFile(fifo, []byte("and done\n"), 0); err != nil {
		t.Fatal(err)
	}
	r.SetReadDeadline(time.Now().Add(30 * time.Second))
	if out, err := io.ReadAll(r); err != nil || !strings.HasSuffix(string(out), "begun\nand done\n") {
		t.Errorf("the command wrote %q, %v", out, err)
	}

	out, err := exec.CommandContext(ctx, "ssh", "-f", "-F", h.conf, "-o", "PubkeyAuthentication=no", "-o", "PasswordAuthentication=no", "127.0.0.1", "true").CombinedOutput()
	if exit := new(exec.ExitError); !asExit(err, &exit) || exit.ExitCode() != 255 || !strings.Contains(string(out), "Permission denied") {
		t.Errorf("a login that fails: %v: %s", err, out)
	}
}

// A connection in the background forwards and is shared, until it is told to end.
func TestForkedMaster(t *testing.T) {
	h := startHost(t)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	socket := filepath.Join(t.TempDir(), "ctl")
	port := testpeer.FreePort(t)
	ssh := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(ctx, "ssh", append([]string{"-F", h.conf, "-S", socket}, args...)...)
		log, err := os.Create(filepath.Join(t.TempDir(), "log")) // a pipe would be held by what stays in the background
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, log
		err = cmd.Run()
		said := testpeer.Read(t, log.Name())
		if err != nil {
			t.Fatalf("ssh %v: %v: %s", args, err, said)
		}
		return said
	}
	ssh("-f", "-N", "-M", "-L", fmt.Sprintf("%d:127.0.0.1:%d", port, h.Port), "127.0.0.1")
	conn, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(30 * time.Second))
	hello := make([]byte, 7)
	if _, err := io.ReadFull(conn, hello); err != nil || string(hello) != "SSH-2.0" {
		t.Errorf("through the forward came %q, %v", hello, err)
	}
	if said := ssh("-O", "check", "127.0.0.1"); !strings.Contains(said, "Master running") {
		t.Errorf("check: %s", said)
	}
	if said := ssh("127.0.0.1", "echo shared"); !strings.HasSuffix(said, "shared\n") {
		t.Errorf("a session beside it: %q", said)
	}
	ssh("-O", "exit", "127.0.0.1")
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the forwarded connection's end: %v", err)
	}
}
