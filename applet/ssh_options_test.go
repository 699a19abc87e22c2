package applet

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// goodLines are command lines that ssh -G understands.
func goodLines() []string {
	return []string{
		"-4 h", "-6 h", "-46 h", "-64A h", "-Aa h", "-aA h", "-C h", "-f -N h", "-Nf h", "-f h true", "-g h", "-K h", "-Kk h", "-M h", "-MM h",
		"-M -M -M h", "-N h", "-n h", "-q h", "-qv h", "-vq h", "-v h", "-vv h", "-vvv h", "-vvvv h", "-s h sftp", "-T h", "-t h", "-tt h", "-ttt h",
		"-Tt h", "-tT h", "-X h", "-x h", "-Y h", "-Xx h", "-xX h", "-y h", "-b 127.0.0.1 h", "-b 127.0.0.1 -b 127.0.0.2 h", "-B lo h", "-c aes128-ctr h",
		"-c aes128-ctr -c aes256-ctr h", "-D 1080 h", "-D *:1080 -D [::1]:1081 h", "-D /tmp/s h", "-e none h", "-e ^] h", "-e x -e y h", "-I /lib/x.so h",
		"-i /etc/passwd h", "-i /etc/passwd -i /etc/hosts h", "-i /nonexistent h", "-J a h", "-J a,b@c:22 h", "-J ssh://u@x:9 h", "-L 8080:localhost:80 h",
		"-L [::1]:8080:[::2]:80 h", "-L /tmp/a:/tmp/b h", "-L /tmp/a:h:80 h", "-L 8080:/tmp/b h", "-L :8080:h:80 h", "-L *:8080:h:80 h", "-R 8080 h",
		"-R 8080:localhost:80 h", "-R 0:localhost:80 h", "-R [::]:0:localhost:80 h", "-R /tmp/a h", "-R /tmp/a:/tmp/b h", "-R h:8080 h", "-l bob h",
		"-l bob -l eve h", "-l bob eve@h", "-o User=x -l bob h", "bob@h", "a@b@h", "ssh://h", "ssh://bob@h", "ssh://bob@h:2222", "ssh://bob;x=y@h:2222",
		"ssh://b%40b@h:2222", "ssh://h/", "ssh://h:22/", "-p 2222 h", "-p 2222 -p 3333 h", "-p ssh h", "-p 22 ssh://h:44", "-o Port=1 -p 2 h",
		"-p 2 -o Port=1 h", "-m hmac-sha2-256 h", "-S /tmp/x h", "-S none h", "-S /tmp/x -o ControlPath=/tmp/y h", "-o ControlPath=/tmp/y -S /tmp/x h",
		"-S ~/%h h", "-W a:22 h", "-W [::1]:22 h", "-W a:22 -L 8080:h:80 h", "-W a:22 -o ClearAllForwardings=no -o ExitOnForwardFailure=no -L 1:h:2 h",
		"-w 0:1 h", "-w any h", "-w 3 -o Tunnel=ethernet h", "-o Tunnel=ethernet -w 3 h", "-o LogLevel=ERROR -v h", "-v -o LogLevel=ERROR h",
		"-o RequestTTY=yes -t h", "-o RequestTTY=force -T h", "-o ForwardX11=no -X h", "-X -o ForwardX11=no h", "-o ControlMaster=yes -M h",
		"-o Compression=no -C h", "-o GatewayPorts=no -g h", "h -p 22 -v", "h -v true -x", "-- h", "-2 h", "-P x h", "h -- ls", "-tNf h",
		"-oPort=3 -oUser=x h", "-F none -vvv h", "-O check -S /tmp/x h",
	}
}

// badLines are those that it refuses.
func badLines() []string {
	return []string{
		"-1 h", "-Z h", "-o Port 3 h", "-O bad h", "-p bad h", "-e bad h", "-c bad h", "-m bad h", "-L bad h", "-R bad:x h", "-D bad h", "-w bad h",
		"-W bad h", "-J a -J b h", "-o ProxyCommand=x -J b h", "-N -s h x", "-s -N h x", "-s h", "-o Nonsense=1 h", "-o Port h", "-o Port=x h", "@h",
		"ssh://", "ssh://h/path", "-l -x h", "ho;st",
	}
}

// runSSHFor runs our -G or -Q in this process and returns what it printed.
func runSSHFor(t *testing.T, args []string) (code int, out, messages string) {
	t.Helper()
	dir := t.TempDir()
	files := make([]*os.File, 2)
	for i, name := range []string{"out", "err"} {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files[i] = f
	}
	code = dumpOf(&door.Env{Name: "ssh", Args: args, Stdin: os.Stdin, Stdout: files[0], Stderr: files[1], Getenv: os.Getenv})
	return code, testpeer.Read(t, files[0].Name()), strings.ReplaceAll(testpeer.Read(t, files[1].Name()), "\r", "")
}

// dumpOf is runSSH as far as -G and -Q need it, without what it changes in this
// process.
func dumpOf(e *door.Env) int {
	line, err := parseSSH(e.Args)
	if err != nil {
		return sshUsage(e, line, err)
	}
	if line.query != "" {
		return listSupported(e, line.query)
	}
	conf, err := line.load()
	if err != nil {
		e.Errorf("%v", err)
		return sshFailed
	}
	for _, text := range conf.Dump() {
		e.Stdout.WriteString(text + "\n")
	}
	return 0
}

// dumpArgs are the arguments that make ssh dump what a command line says.
func dumpArgs(line string) []string {
	args := []string{"-G"}
	if !strings.Contains(line, "-F") {
		args = append(args, "-F", "none")
	}
	return append(args, strings.Split(line, " ")...)
}

// sameKeywords leaves the lines of a dump that don't depend on the version or on
// the engine's algorithms; config's own test compares the rest.
func sameKeywords(dump string) []string {
	skip := strings.Fields(`requirestrictkex proxyurl enableescapecommandline identityfile gssapikexalgorithms ipqos
		revokedhostkeys warnweakcrypto obscurekeystroketiming channeltimeout tag versionaddendum hostkeyalgorithms
		hostbasedacceptedalgorithms pubkeyacceptedalgorithms kexalgorithms casignaturealgorithms ciphers macs`)
	return slices.DeleteFunc(strings.Split(dump, "\n"), func(line string) bool {
		keyword, value, _ := strings.Cut(line, " ")
		if keyword == "forwardx11trusted" { // Debian's default is yes
			return true
		}
		one := (keyword == "ciphers" || keyword == "macs") && !strings.Contains(value, ",")
		return slices.Contains(skip, keyword) && !one
	})
}

// TestCommandLineAsOpenSSH compares what command lines make of the configuration.
func TestCommandLineAsOpenSSH(t *testing.T) {
	for _, line := range goodLines() {
		args := dumpArgs(line)
		theirs, err := exec.Command("ssh", args...).Output()
		if err != nil {
			t.Errorf("OpenSSH refuses %q: %v", line, err)
			continue
		}
		code, ours, messages := runSSHFor(t, args)
		if code != 0 {
			t.Errorf("%q: exit code %d: %s", line, code, messages)
			continue
		}
		want := strings.ReplaceAll(string(theirs), "loglevel SILENT\n", "loglevel QUIET\n")
		got, wanted := sameKeywords(ours), sameKeywords(want)
		if !slices.Equal(got, wanted) {
			t.Errorf("%q: only here %q, only there %q", line, without(got, wanted), without(wanted, got))
		}
	}
}

func without(lines, others []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return slices.Contains(others, line) })
}

// TestBadCommandLineAsOpenSSH compares the refusals: exit code and first line.
func TestBadCommandLineAsOpenSSH(t *testing.T) {
	for _, line := range badLines() {
		args := dumpArgs(line)
		theirs, err := exec.Command("ssh", args...).CombinedOutput()
		if err == nil {
			t.Errorf("OpenSSH takes %q", line)
			continue
		}
		code, _, messages := runSSHFor(t, args)
		want, _, _ := strings.Cut(strings.ReplaceAll(string(theirs), "\r", ""), "\n")
		got, _, _ := strings.Cut(messages, "\n")
		if code != 255 || got != want {
			t.Errorf("%q: exit code %d, %q here, %q there", line, code, got, want)
		}
	}
}

// TestQueriesAsOpenSSH: what OpenSSH can be asked, we can be asked.
func TestQueriesAsOpenSSH(t *testing.T) {
	help, err := exec.Command("ssh", "-Q", "help").Output()
	if err != nil {
		t.Fatal(err)
	}
	names := append(strings.Fields(string(help)), "Ciphers", "MACs", "KexAlgorithms", "PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms",
		"HostKeyAlgorithms", "HostbasedKeyTypes", "HostbasedAcceptedAlgorithms", "hostbasedacceptedkeytypes", "CASignatureAlgorithms", "key-ca-sign", "help")
	for _, name := range names {
		if name == "kex-gss" { // Debian's own
			continue
		}
		if code, out, messages := runSSHFor(t, []string{"-Q", name}); code != 0 || out == "" {
			t.Errorf("-Q %s: %d %q", name, code, messages)
		}
	}
	_, ours, _ := runSSHFor(t, []string{"-Q", "help"})
	for _, name := range strings.Fields(ours) {
		if !slices.Contains(names, name) {
			t.Errorf("-Q help names %s, OpenSSH's does not", name)
		}
	}
}

func FuzzCommandLine(f *testing.F) {
	for _, line := range append(goodLines(), badLines()...) {
		f.Add(strings.ReplaceAll(line, " ", "\n"))
	}
	f.Fuzz(func(t *testing.T, line string) {
		l, err := parseSSH(strings.Split(line, "\n"))
		if err != nil && err.Error() == "" {
			t.Error("an error without text")
		}
		if err == nil && !l.version && l.query == "" && !config.ValidHost(l.host) {
			t.Errorf("the host %q passed", l.host)
		}
	})
}
