package applet

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestConnecting is about what ssh_config says of making a connection.
func TestConnecting(t *testing.T) {
	h := startHost(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	portOf := func(l net.Listener) string { return "Port=" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }
	for _, test := range []struct {
		name     string
		options  []string
		code     int
		says     string
		times    int // that it is said; 0: at least once
		min, max time.Duration
	}{
		{"ConnectTimeout", []string{"ConnectTimeout=1", portOf(silent)}, sshFailed, "timed out", 0, time.Second, 5 * time.Second},
		{"one attempt", []string{portOf(closed)}, sshFailed, "debug1: Connecting to 127.0.0.1 ", 1, 0, time.Second},
		{"ConnectionAttempts", []string{"ConnectionAttempts=3", portOf(closed)}, sshFailed, "debug1: Connecting to 127.0.0.1 ", 3, 2 * time.Second, 5 * time.Second},
		{"another family", []string{"AddressFamily=inet6"}, sshFailed, "127.0.0.1", 0, 0, 5 * time.Second},
		{"family", []string{"AddressFamily=inet", "HostName=localhost", "HostKeyAlias=[127.0.0.1]:" + strconv.Itoa(h.Port)}, 0, "[127.0.0.1]", 0, 0, 5 * time.Second},
		{"ChannelTimeout", []string{"ChannelTimeout=session:shell=5 session:command=1", "RemoteCommand=sleep 60"}, sshFailed, "channel 0: closing after 1 seconds of inactivity", 1, time.Second, 5 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			args := []string{"-v", "-F", h.conf}
			for _, option := range test.options {
				args = append(args, "-o", option)
			}
			if args = append(args, "127.0.0.1"); test.name != "ChannelTimeout" {
				args = append(args, "true")
			}
			began := time.Now()
			cmd := exec.CommandContext(ctx, "ssh", args...)
			said, _ := cmd.CombinedOutput()
			took := time.Since(began)
			if n := strings.Count(string(said), test.says); cmd.ProcessState.ExitCode() != test.code || n == 0 || test.times > 0 && n != test.times {
				t.Errorf("exit code %d, %q is said %d times in\n%s", cmd.ProcessState.ExitCode(), test.says, n, said)
			}
			if took < test.min || took > test.max+soon/3 {
				t.Errorf("it took %v", took)
			}
		})
	}
	t.Run("TCPKeepAlive", func(t *testing.T) {
		for value, want := range map[string]bool{"yes": true, "no": false} {
			out, err := exec.Command("ssh", "-F", h.conf, "-o", "TCPKeepAlive="+value, "127.0.0.1",
				"set -- $SSH_CONNECTION; ss -Htno state established sport = :$2").CombinedOutput()
			if err != nil || strings.Contains(string(out), "timer:(keepalive") != want || !strings.Contains(string(out), "127.0.0.1") {
				t.Errorf("%s: %v: %s", value, err, out)
			}
		}
	})
}
