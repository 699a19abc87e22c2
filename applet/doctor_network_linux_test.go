package applet

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// doctor runs doctor in the client's network.
func (n *twoNets) doctor(args ...string) examined {
	cmd := exec.Command("ip", append([]string{"netns", "exec", n.client, n.nacre, "doctor", "-F", n.conf}, args...)...)
	report, _ := cmd.Output() // the exit code is looked at
	return newExamined(cmd.ProcessState.ExitCode(), string(report))
}

// What is wrong with a network, as doctor sees it from inside.
func testDoctorNetworks(t *testing.T, n *twoNets) {
	works := func() {
		t.Helper()
		n.doctor("-p", openPort, serverAt).found(t, "", 0)
	}
	works()
	t.Run("large packets", func(t *testing.T) {
		// The server's end takes packets that are smaller than what it told, and
		// drops others without a word, as a tunnel does where ICMP is blocked.
		route := []string{"-n", n.server, "route", "change", "10.77.0.0/24", "dev", "cable", "src", serverAt}
		run(t, "ip", append(route, "advmss", "1460")...)
		defer run(t, "ip", route...)
		run(t, "ip", "-n", n.server, "link", "set", "cable", "mtu", "600")
		defer run(t, "ip", "-n", n.server, "link", "set", "cable", "mtu", "1500")
		run(t, "ip", "-n", n.client, "link", "set", "cable", "gso_max_segs", "1")
		n.doctor("-p", openPort, "-o", "ConnectTimeout=2", serverAt).found(t, "key-exchange-late", 7,
			"nothing arrives for 2s", "a smaller MTU", "ping -M do -s 1400 "+serverAt)
	})
	t.Run("name servers", func(t *testing.T) {
		dir := filepath.Join("/etc/netns", n.client) // ip-netns(8)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.WriteFile(filepath.Join(dir, "resolv.conf"), []byte("nameserver "+serverAt+"\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		n.doctor("host.example.com").found(t, "name-servers", 4,
			"this machine's name servers do not answer", "cat /etc/resolv.conf", "-o HostName=ADDRESS")
	})
	works()
}
