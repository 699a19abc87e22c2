package interop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// sftpServer is OpenSSH's, which either server may start.
const sftpServer = "Subsystem sftp /usr/lib/openssh/sftp-server"

// programs are what people run over ssh.
func programs() map[string]func(*testing.T, *station) {
	return map[string]func(*testing.T, *station){
		"git": testGit, "rsync": testRsync, "scp": testSCP, "sftp": testSFTP, "sshfs": testSSHFS, "borg": testBorg,
		"ansible": testAnsible, "mosh": testMosh, "autossh": testAutossh, "pdsh": testPdsh, "ssh-copy-id": testCopyID,
		"tramp": testTramp, "editor": testEditor,
	}
}

// TestPrograms runs programs that start ssh by themselves, with nacre as their
// ssh, towards OpenSSH's server and nacre's.
func TestPrograms(t *testing.T) {
	nacre, id, key := testpeer.BuildNacre(t), testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.Ed25519)
	options := testpeer.ServerOptions{HostKeys: []*testpeer.Key{key}, Authorized: id, Config: []string{sftpServer}}
	for _, server := range []testpeer.Server{testpeer.NewOpenSSH(t), nacre} {
		at := server.Start(t, options)
		for name, test := range programs() {
			t.Run(server.Name()+"/"+name, func(t *testing.T) {
				t.Parallel()
				test(t, newStation(t, nacre, at))
			})
		}
	}
}

// A station is a directory to work in, and from which nacre is ssh.
type station struct {
	dir    string
	link   string // nacre under the name ssh
	conf   string // an ssh_config that knows the host "far"
	script string // a program called ssh that is nacre with that file
	at     *testpeer.Running
	env    []string
}

func newStation(t *testing.T, nacre *testpeer.Nacre, at *testpeer.Running) *station {
	t.Helper()
	dir, err := os.MkdirTemp("", "far") // a socket's path must be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &station{dir: dir, at: at, link: filepath.Join(dir, "link", "ssh")}
	if err := os.Mkdir(filepath.Dir(s.link), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(nacre.Path, s.link); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(at.HostKeys[0].Path + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	known := s.write(t, "known_hosts", fmt.Sprintf("[127.0.0.1]:%d %s", at.Port, key))
	// A port that is wrong shows that the program's own one has come through.
	s.conf = s.write(t, "ssh_config", fmt.Sprintf("Host far\n Port %d\nHost *\n HostName 127.0.0.1\n Port 1\n User %s\n IdentityFile %s\n"+
		" IdentitiesOnly yes\n UserKnownHostsFile %s\n GlobalKnownHostsFile none\n BatchMode yes\n", at.Port, at.User, at.Identity.Path, known))
	s.script = s.program(t, "bin/ssh", `exec `+s.link+` -F `+s.conf+` "$@"`)
	s.env = []string{"HOME=" + dir, "LC_ALL=C.UTF-8", "TERM=xterm", "PATH=" + filepath.Dir(s.script) + ":" + os.Getenv("PATH")}
	return s
}

// write makes a file of the station.
func (s *station) write(t *testing.T, name, text string) string {
	t.Helper()
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// program makes a shell script of the station.
func (s *station) program(t *testing.T, name, text string) string {
	t.Helper()
	path := s.write(t, name, "#!/bin/sh\n"+text+"\n")
	if err := os.Chmod(path, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *station) path(name string) string { return filepath.Join(s.dir, name) }

func (s *station) read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// command is a program in the station, and what ends it with all it started.
func (s *station) command(ctx context.Context, env []string, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	if path := s.path("bin/" + argv[0]); argv[0] == "ssh" {
		cmd = exec.CommandContext(ctx, path, argv[1:]...)
	}
	cmd.Dir, cmd.Env = s.dir, append(append([]string{}, s.env...), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// run runs a program that must succeed, and returns what it wrote.
func (s *station) run(t *testing.T, env []string, argv ...string) string {
	t.Helper()
	out, err := s.try(t, env, argv...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return out
}

func (s *station) try(t *testing.T, env []string, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), sessionTime)
	defer cancel()
	out, err := s.command(ctx, env, argv...).CombinedOutput()
	return string(out), errors.Join(err, ctx.Err())
}

// tree makes a directory of many small files and one of 1 MiB, and names it.
func (s *station) tree(t *testing.T) string {
	t.Helper()
	for i := range 100 {
		s.write(t, fmt.Sprintf("tree/dir %d/ä%d", i%20, i), strings.Repeat("text\n", 10*i))
	}
	big, err := os.Create(s.path("tree/big"))
	if err != nil {
		t.Fatal(err)
	}
	defer big.Close()
	if _, err := big.ReadFrom(testpeer.NewPayload(1<<20, 1)); err != nil {
		t.Fatal(err)
	}
	return s.path("tree")
}

// same wants two files or directories to be equal.
func (s *station) same(t *testing.T, a, b string) {
	t.Helper()
	s.run(t, nil, "diff", "-r", a, b)
}
