package applet

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// paths names one key in every way that people do, and has settings come from
// included files and the system's.
func (d *desktop) paths(t *testing.T) {
	home := `C:\users\` + testpeer.Me(t)
	var conf strings.Builder
	spelled := []string{
		`"` + home + `\keys\my key"`, `"C:/users/` + testpeer.Me(t) + `/keys/my key"`, `~\.ssh\id_ed25519`, `~/.ssh/id_ed25519`, `%d\.ssh\id_ed25519`,
		`%USERPROFILE%\.ssh\id_ed25519`, `"${USERPROFILE}\keys\my key"`, `__PROGRAMDATA__\ssh\everybodys`,
	}
	for i, name := range spelled {
		conf.WriteString("Host n" + string(rune('0'+i)) + "\r\n  IdentityFile " + name + "\r\n")
	}
	conf.WriteString("Host *\r\n  IdentitiesOnly yes\r\n  PreferredAuthentications publickey\r\n" +
		"Include " + home + `\.ssh\config` + "\r\nInclude ~\\.ssh\\more\\*.conf\r\n")
	d.write(t, ".ssh/spelled", conf.String())
	d.write(t, ".ssh/more/a.conf", "Host *\r\n  HostName 127.0.0.1\r\n  User "+d.at.User+"\r\n")
	d.write(t, "../../ProgramData/ssh/everybodys", testpeer.Read(t, d.at.Identity.Path))
	d.write(t, "../../ProgramData/ssh/ssh_config", "Host system\r\n  Hostname 127.0.0.1\r\n  UserKnownHostsFile none\r\n")
	d.write(t, "../../ProgramData/ssh/ssh_known_hosts", testpeer.Read(t, filepath.Join(d.home, ".ssh", "known_hosts")))
	port := strings.TrimPrefix(d.at.Addr(), "127.0.0.1:")
	for i, name := range spelled {
		host := "n" + string(rune('0'+i))
		if out, said, code := d.do(t, call{}, "ssh", "-F", home+`\.ssh\spelled`, "-p", port, host, "echo in"); out != "in\n" || code != 0 {
			t.Errorf("%s: %q, %d: %s", name, out, code, said)
		}
	}
	d.prints(t, "system\n", "ssh", "-p", port, "-o", "StrictHostKeyChecking=yes", d.at.User+"@system", "echo system")
	if _, said, code := d.do(t, call{}, "ssh", "-i", home+`\.ssh\nothing`, "-F", "none", "-o", "IdentityFile=%h%p%", "box"); code != 255 || !strings.Contains(said, "lone %") {
		t.Errorf("a token without a letter: %d, %s", code, said)
	}
	// Commands are cmd.exe's.
	d.write(t, ".ssh/matching", "Match exec \"if %h==box (exit 0) else exit 1\"\r\n  Port 77\r\nMatch localuser "+strings.ToLower(testpeer.Me(t))+"\r\n  Tag mine\r\n")
	if out, said, _ := d.do(t, call{}, "ssh", "-F", home+`\.ssh\matching`, "-G", "box"); !strings.Contains(out, "\nport 77\n") || !strings.Contains(out, "\ntag mine\n") {
		t.Errorf("Match: %s%s", out, said)
	}
	if out, said, code := d.do(t, call{}, "ssh", "-o", "PermitLocalCommand=yes", "-o", `LocalCommand=echo "%%ProgramData%%" of %u & echo again`, "box", "true"); code != 0 || !strings.HasSuffix(out, "again\r\n") {
		t.Errorf("LocalCommand: %q, %d: %s", out, code, said)
	}
}

// permissions shows that access lists are looked at: Wine makes one of a file's
// mode.
func (d *desktop) permissions(t *testing.T) {
	home := `C:\users\` + testpeer.Me(t)
	d.write(t, "open", testpeer.Read(t, d.at.Identity.Path))
	if err := os.Chmod(filepath.Join(d.home, "open"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, said, code := d.do(t, call{}, "ssh", "-i", home+`\open`, "-o", "IdentitiesOnly=yes", "-o", "PreferredAuthentications=publickey", "-o", "IdentityAgent=none", "box", "true")
	if code != 255 || !strings.Contains(said, "Everyone may read") || !strings.Contains(said, "icacls") {
		t.Errorf("a key that everybody reads: %d, %s", code, said)
	}
	// What ssh-keygen makes is private, wherever it is.
	d.prints(t, "", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home+`\fresh`)
	if out, said, code := d.do(t, call{}, "ssh-keygen", "-y", "-f", home+`\fresh`); code != 0 || !strings.HasPrefix(out, "ssh-ed25519 ") {
		t.Errorf("its own key: %d, %q, %s", code, out, said)
	}
	if info, err := os.Stat(filepath.Join(d.home, "fresh")); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("its own key has %v, %v", info.Mode(), err)
	}
	conf := filepath.Join(d.home, ".ssh", "config")
	if err := os.Chmod(conf, 0o666); err != nil {
		t.Fatal(err)
	}
	_, said, code = d.do(t, call{}, "ssh", "box", "true")
	out, _, checked := d.do(t, call{}, "config", "check", "box")
	if err := os.Chmod(conf, 0o644); err != nil {
		t.Fatal(err)
	}
	if code != 255 || !strings.Contains(said, "Bad owner or permissions") || checked == 0 || !strings.Contains(out, "icacls") {
		t.Errorf("a configuration that everybody writes: %d, %s; %d, %s", code, said, checked, out)
	}
	if out, said, code := d.do(t, call{}, "config", "check", "box"); code != 0 || !strings.Contains(out, "nothing is wrong") {
		t.Errorf("config check: %d, %s%s", code, out, said)
	}
	if out, said, code := d.do(t, call{}, "keys"); code != 0 || !strings.Contains(out, "id_ed25519") {
		t.Errorf("keys: %d, %s%s", code, out, said)
	}
}

// links makes programs of their own names, which work in any case and from a
// line of cmd.exe.
func (d *desktop) links(t *testing.T) {
	out, said, code := d.do(t, call{}, "links", `C:\windows\temp`)
	if code != 0 || !strings.Contains(out, `C:\windows\temp\ssh.exe`) {
		t.Fatalf("%d: %s%s", code, out, said)
	}
	if _, said, code := d.do(t, call{}, "links", `C:\windows\temp`); code != 0 {
		t.Errorf("once more: %d, %s", code, said)
	}
	if err := os.Rename(d.Drive("windows", "temp", "ssh.exe"), d.Drive("Program Files", "nacre", "SSH.EXE")); err != nil {
		t.Fatal(err)
	}
	// As git for Windows calls what GIT_SSH names: a path in quotes, and the
	// command's own quotes for the shell there.
	d.write(t, "call.bat", "@echo off\r\n"+`"C:/Program Files/nacre/SSH.EXE" -o SendEnv=GIT_PROTOCOL box "printf '%%s|' 'two  words' 'it'\''s' \"three\""`+"\r\n")
	cmd := d.Command(t.Context(), "cmd", "/c", `C:\users\`+testpeer.Me(t)+`\call.bat`)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if got, err := cmd.Output(); err != nil || string(got) != "two  words|it's|three|" {
		t.Errorf("%q, %v: %s", got, err, stderr.String())
	}
	// What is somebody else's is left alone.
	if err := os.WriteFile(d.Drive("windows", "temp", "ssh.exe"), []byte("theirs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, said, code := d.do(t, call{}, "links", `C:\windows\temp`); code != 1 || !strings.Contains(said, "something else") {
		t.Errorf("a file of the same name: %d, %s", code, said)
	}
}
