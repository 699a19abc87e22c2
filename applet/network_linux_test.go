package applet

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// Ports and addresses inside the two networks, where nobody else is.
const (
	openPort, nacrePort = "2201", "2202"
	clientAt, serverAt  = "10.77.0.1", "10.77.0.2"
)

// twoNets are two network namespaces with a cable between them: the client is
// in one, an OpenSSH server and one of ours are in the other.
type twoNets struct {
	client, server string // names of the namespaces
	nacre, dir     string
	conf           string
}

func newTwoNets(t *testing.T) *twoNets {
	t.Helper()
	name := fmt.Sprintf("nacre%d", os.Getpid())
	n := &twoNets{client: name + "c", server: name + "s", dir: t.TempDir(), nacre: testpeer.BuildNacre(t).Path}
	for _, ns := range []string{n.client, n.server} {
		run(t, "ip", "netns", "add", ns)
		t.Cleanup(func() { run(t, "ip", "netns", "del", ns) })
		run(t, "ip", "-n", ns, "link", "set", "lo", "up")
	}
	run(t, "ip", "link", "add", "cable", "netns", n.client, "type", "veth", "peer", "name", "cable", "netns", n.server)
	for ns, addrs := range map[string][]string{n.client: {clientAt + "/24", "10.77.0.9/24", "fd77::1/64"}, n.server: {serverAt + "/24", "fd77::2/64"}} {
		run(t, "ip", "-n", ns, "link", "set", "cable", "up")
		for _, addr := range addrs {
			n.address(t, ns, addr, "cable")
		}
	}
	hostKey, id := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.Ed25519)
	keys := n.write(t, "authorized_keys", authorized(id, ""))
	server := "HostKey " + hostKey.Path + "\nAuthorizedKeysFile " + keys + "\nPermitRootLogin yes\nStrictModes no\nPidFile none\nPermitTunnel yes\n"
	n.serve(t, "OpenSSH", server+"UsePAM no\n", realProgram("sshd"), "-p", openPort)
	n.serve(t, "nacre", server, n.nacre, "sshd", "-p", nacrePort)
	n.conf = n.write(t, "config", "User root\nIdentityFile "+id.Path+"\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\nIdentitiesOnly yes\n")
	return n
}

func (n *twoNets) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(n.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// address gives an interface an address, which is there at once.
func (n *twoNets) address(t *testing.T, ns, addr, device string) {
	t.Helper()
	args := []string{"-n", ns, "addr", "add", addr, "dev", device}
	if strings.Contains(addr, "::") {
		args = append(args, "nodad")
	}
	run(t, "ip", args...)
}

// serve starts a server in its network.
func (n *twoNets) serve(t *testing.T, name, conf string, program ...string) {
	t.Helper()
	args := append([]string{"netns", "exec", n.server}, program...)
	log := new(lines)
	cmd := exec.Command("ip", append(args, "-D", "-e", "-f", n.write(t, name+"_config", conf))...)
	cmd.Stderr, cmd.WaitDelay = log, time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", name, log)
		}
	})
	log.says(t, "Server listening on :: port")
}

// command is a client of the network: "ssh" is ours, "OpenSSH" is Debian's.
func (n *twoNets) command(ctx context.Context, client string, args ...string) *exec.Cmd {
	program := []string{"netns", "exec", n.client, n.nacre, "ssh"}
	if client == "OpenSSH" {
		program = append(program[:3:3], realProgram("ssh"))
	}
	return exec.CommandContext(ctx, "ip", append(append(program, "-F", n.conf), args...)...)
}

// ssh runs a client to its end.
func (n *twoNets) ssh(t *testing.T, client, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	cmd := n.command(ctx, client, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	cmd.Run()
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// What concerns the network runs in networks of its own, which only root can
// make; others hear that they get no network device.
func TestNetworks(t *testing.T) {
	if os.Geteuid() != 0 {
		testNoTunnel(t)
		return
	}
	n := newTwoNets(t)
	t.Run("interface", func(t *testing.T) { testBindInterface(t, n) })
	t.Run("qos", func(t *testing.T) { testQoS(t, n) })
	t.Run("doctor", func(t *testing.T) { testDoctorNetworks(t, n) })
	t.Run("refused", func(t *testing.T) { testTunnelsRefused(t, n) })
	for _, pair := range [][2]string{{"ssh", openPort}, {"ssh", nacrePort}, {"OpenSSH", nacrePort}} {
		for _, mode := range []string{"point-to-point", "ethernet"} {
			t.Run(pair[0]+" to "+pair[1]+" "+mode, func(t *testing.T) { testTunnel(t, n, pair[0], pair[1], mode) })
		}
	}
}

func testNoTunnel(t *testing.T) {
	h := startHost(t)
	out, err := exec.Command("ssh", "-F", h.conf, "-o", "ExitOnForwardFailure=yes", "-w", "any", "127.0.0.1", "true").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "Tunnel device open failed: ") {
		t.Errorf("%v: %s", err, out)
	}
}

// An interface's address is taken, of the family of the host's, unless an
// address is named as well.
func testBindInterface(t *testing.T, n *twoNets) {
	for _, test := range []struct {
		args       []string
		host, from string
	}{
		{[]string{"-B", "cable"}, serverAt, clientAt},
		{[]string{"-B", "cable"}, "fd77::2", "fd77::1"},
		{[]string{"-B", "cable", "-b", "10.77.0.9"}, serverAt, "10.77.0.9"},
		{[]string{"-b", "10.77.0.9"}, serverAt, "10.77.0.9"},
	} {
		out, said, code := n.ssh(t, "ssh", "", append(test.args, "-p", nacrePort, test.host, "echo $SSH_CONNECTION")...)
		if code != 0 || !strings.HasPrefix(out, test.from+" ") {
			t.Errorf("%q: came from %q, exit code %d: %s", test.args, out, code, said)
		}
	}
	for name, want := range map[string]string{"lo": "port " + nacrePort + ": Invalid argument", "none": "Interface none: no suitable addresses"} {
		if _, said, code := n.ssh(t, "ssh", "", "-B", name, "-p", nacrePort, serverAt, "true"); code != sshFailed || !strings.Contains(said, want) {
			t.Errorf("-B %s: exit code %d: %s", name, code, said)
		}
	}
}

// The class of service is that of a terminal while nothing else is open, on both
// sides and for both versions of IP.
func testQoS(t *testing.T, n *twoNets) {
	const busy = "echo on; cat"
	for _, test := range []struct {
		args         []string
		host         string
		ours, theirs string
	}{
		{[]string{"-tt"}, serverAt, "tos:0xb8", "tos:0xb8"},
		{[]string{"-T"}, serverAt, "tos:0 ", "tos:0 "},
		{[]string{"-o", "IPQoS=cs1 af21", "-T"}, serverAt, "tos:0x48", "tos:0 "},
		{[]string{"-o", "IPQoS=cs1 af21", "-tt"}, "fd77::2", "tclass:0x20", "tclass:0xb8"},
		{[]string{"-o", "IPQoS=cs1 none", "-T"}, serverAt, "tos:0x20", "tos:0 "}, // as it was before
	} {
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		cmd := n.command(ctx, "ssh", append(test.args, "-p", nacrePort, test.host, busy)...)
		in, _ := cmd.StdinPipe()
		out := new(lines)
		cmd.Stdout = out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		out.says(t, "on")
		for ns, want := range map[string]string{n.client: test.ours, n.server: test.theirs} {
			shown, err := exec.CommandContext(ctx, "ip", "netns", "exec", ns, "ss", "-Htn", "--tos", "state", "established").Output()
			if err != nil || !strings.Contains(string(shown), want) {
				t.Errorf("%q: want %s: %v: %s", test.args, want, err, shown)
			}
		}
		in.Close()
		cancel()
		cmd.Wait()
	}
}

// testTunnel connects two devices and sends a megabyte over them both ways, as
// IPv4 and as IPv6.
func testTunnel(t *testing.T, n *twoNets, client, port, mode string) {
	const size = 1 << 20
	device := map[string]string{"point-to-point": "tun", "ethernet": "tap"}[mode]
	ctx, cancel := context.WithTimeout(t.Context(), 2*soon)
	defer cancel()
	there := device + "8"
	cmd := n.command(ctx, client, "-o", "Tunnel="+mode, "-o", "ExitOnForwardFailure=yes", "-w", "7:8", "-p", port, serverAt,
		"ip link set "+there+" up && ip addr add 10.88.0.2/24 dev "+there+" && ip addr add fd88::2/64 dev "+there+" nodad && echo up && cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, said := new(lines), new(lines)
	cmd.Stdout, cmd.Stderr = out, said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { in.Close(); cmd.Process.Kill(); cmd.Wait() }()
	out.says(t, "up")
	run(t, "ip", "-n", n.client, "link", "set", device+"7", "up")
	for _, addr := range []string{"10.88.0.1/24", "fd88::1/64"} {
		n.address(t, n.client, addr, device+"7")
	}
	for _, host := range []string{"10.88.0.2", "fd88::2"} {
		got, errs, code := n.ssh(t, "ssh", strings.Repeat("x", size), "-p", nacrePort, host, "cat")
		if code != 0 || len(got) != size {
			t.Errorf("%s: %d bytes came back, exit code %d: %s%s", host, len(got), code, errs, said)
		}
	}
}

// A key may be for one device, or for none.
func testTunnelsRefused(t *testing.T, n *twoNets) {
	keys := filepath.Join(n.dir, "authorized_keys")
	line := testpeer.Read(t, keys)
	defer n.write(t, "authorized_keys", line)
	run(t, "ip", "-n", n.client, "tuntap", "add", "dev", "tun44", "mode", "tap")
	for options, want := range map[string]string{"": "Tunnel device open failed", `tunnel="3"`: "Tunnel forwarding failed", "restrict": "Tunnel forwarding failed"} {
		n.write(t, "authorized_keys", strings.TrimSpace(options+" "+line))
		args := []string{"-o", "ExitOnForwardFailure=yes", "-p", nacrePort}
		device := "any:8"
		if options == "" { // the name is taken here
			device = "44:8"
		}
		_, said, code := n.ssh(t, "ssh", "", append(args, "-w", device, serverAt, "true")...)
		if code != sshFailed || !strings.Contains(said, want) {
			t.Errorf("%s: exit code %d: %s", options, code, said)
		}
	}
}
