package applet

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// proxies reaches the server through programs and other hosts.
func (d *desktop) proxies(t *testing.T) {
	for _, line := range []string{
		`"` + installed + `" ssh -W %h:%p box`, `exec "` + installed + `" ssh -W "%h:%p" box`,
	} {
		d.prints(t, "through\n", "ssh", "-o", "ProxyCommand="+line, "far", "echo through")
	}
	d.prints(t, "jumped\n", "ssh", "-J", "box", "far", "echo jumped")
	if _, said, code := d.do(t, call{}, "ssh", "-o", `ProxyCommand=C:\no\such.exe`, "box", "true"); code != 255 || said == "" {
		t.Errorf("a proxy that isn't there: %d, %s", code, said)
	}
	if out, _, code := d.do(t, call{}, "ssh", "-W", d.at.Addr(), "box"); code != 0 && code != 255 || !strings.HasPrefix(out, "SSH-2.0-OpenSSH") {
		t.Errorf("-W: %d, %q", code, out)
	}
}

// greets reads an SSH server's greeting from a forwarded port.
func greets(t *testing.T, conn net.Conn, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	hello := make([]byte, 7)
	if _, err := io.ReadFull(conn, hello); err != nil || string(hello) != "SSH-2.0" {
		t.Errorf("through the forward came %q, %v", hello, err)
	}
}

func (d *desktop) forwards(t *testing.T) {
	local, dynamic := testpeer.FreePort(t), testpeer.FreePort(t)
	cmd := d.Command(t.Context(), installed, "ssh", "-L", fmt.Sprintf("%d:%s", local, d.at.Addr()), "-D", strconv.Itoa(dynamic), "box", "echo up; cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	waits(t, cmd, "up\n")
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", local))
	greets(t, conn, err)
	out, err := exec.Command("curl", "-s", "--max-time", "20", "--http0.9", "--socks5-hostname", fmt.Sprintf("127.0.0.1:%d", dynamic), "http://"+d.at.Addr()).Output()
	if !bytes.HasPrefix(out, []byte("SSH-2.0-")) {
		t.Errorf("curl through -D printed %q, %v", out, err)
	}
	in.Close()
	d.prints(t, "SSH-2.0\n", "ssh", "-o", "LogLevel=ERROR", "-R", fmt.Sprintf("%d:%s", testpeer.FreePort(t), d.at.Addr()), "box",
		fmt.Sprintf("exec 3<>/dev/tcp/127.0.0.1/%d; head -c 7 <&3; echo", d.at.Port))
}

// background leaves a connection behind that serves until it is ended.
func (d *desktop) background(t *testing.T) {
	port := testpeer.FreePort(t)
	if _, said, code := d.do(t, call{}, "ssh", "-f", "-N", "-L", fmt.Sprintf("%d:%s", port, d.at.Addr()), "box"); code != 0 {
		t.Fatalf("%d, %s", code, said)
	}
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	greets(t, conn, err)
	if _, said, code := d.do(t, call{}, "ssh", "-f", "-o", "BatchMode=yes", "-o", "PubkeyAuthentication=no", "box", "true"); code != 255 || !strings.Contains(said, "Permission denied") {
		t.Errorf("a login that fails: %d, %s", code, said)
	}
}

// noMaster reads a configuration that asks for sharing, which other systems have.
func (d *desktop) noMaster(t *testing.T) {
	share := []string{"-o", "ControlMaster=auto", "-o", "ControlPersist=60", "-o", "ControlPath=~/.ssh/%C"}
	d.prints(t, "alone\n", append(append([]string{"ssh"}, share...), "box", "echo alone")...)
	if _, said, code := d.do(t, call{}, append(append([]string{"ssh"}, share...), "-O", "check", "box")...); code != 255 || !strings.Contains(said, "not shared on Windows") {
		t.Errorf("-O check: %d, %s", code, said)
	}
}

// windows shows a window of a program there on a display that knows no cookies.
func (d *desktop) windows(t *testing.T) {
	display, picture := testpeer.OpenXServer(t)
	blank := testpeer.Read(t, picture)
	const draw = "xmessage -timeout 20 hello & until xwininfo -name xmessage 2>&1 | grep -q IsViewable; do :; done; echo drawn; cat; kill $!"
	for _, option := range []string{"-Y", "-X"} {
		cmd := d.Command(t.Context(), installed, "ssh", option, "-o", "LogLevel=ERROR", "box", draw)
		cmd.Env = append(cmd.Env, "DISPLAY="+display)
		cmd.Stderr = os.Stderr
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		waits(t, cmd, "drawn\n")
		awaitChange(t, picture, blank)
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%s: %v", option, err)
		}
	}
	out, said, code := d.do(t, call{env: []string{"DISPLAY=" + display}}, "ssh", "-Y", "box", "XAUTHORITY=/dev/null xdpyinfo >/dev/null 2>&1 || echo turned away")
	if code != 0 || out != "turned away\n" || !strings.Contains(said, "wrong authentication") {
		t.Errorf("without the cookie: %d, %q, %s", code, out, said)
	}
}

// awaitChange waits until a file has another text: what is drawn gets to the
// picture after the program knows of its window.
func awaitChange(t *testing.T, path, from string) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for testpeer.Read(t, path) == from {
		if time.Now().After(deadline) {
			t.Fatal("the screen stays blank")
		}
		time.Sleep(10 * time.Millisecond) // a picture tells nobody that it has changed
	}
}
