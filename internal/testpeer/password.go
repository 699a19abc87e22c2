package testpeer

import (
	"fmt"
	"os/exec"
	"os/user"
	"strings"
)

// passwordDatabase gives the user that the tests run as a password, in a
// database of users that only the program with this environment sees
// (nss_wrapper). Unlike the system's it has no other user but those that sshd
// asks for.
func passwordDatabase(t TB, dir, password string) (env []string) {
	t.Helper()
	hash := exec.Command(mustProgram(t, "openssl"), "passwd", "-6", "-stdin")
	hash.Stdin = strings.NewReader(password + "\n")
	hashed, err := hash.Output()
	if err != nil {
		t.Fatalf("hash a password: %v", err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatalf("who am I: %v", err)
	}
	passwd := []string{fmt.Sprintf("%s:x:%s:%s::%s:/bin/bash", me.Username, me.Uid, me.Gid, dir)}
	if sshd, err := user.Lookup("sshd"); err == nil {
		passwd = append(passwd, fmt.Sprintf("sshd:x:%s:%s::%s:/usr/sbin/nologin", sshd.Uid, sshd.Gid, sshd.HomeDir))
	}
	return []string{
		"LD_PRELOAD=libnss_wrapper.so",
		"NSS_WRAPPER_PASSWD=" + writeFile(t, dir, "passwd", passwd...),
		"NSS_WRAPPER_SHADOW=" + writeFile(t, dir, "shadow", fmt.Sprintf("%s:%s:19000:0:99999:7:::", me.Username, strings.TrimSpace(string(hashed)))),
		"NSS_WRAPPER_GROUP=" + writeFile(t, dir, "group", fmt.Sprintf("%s:x:%s:", me.Username, me.Gid), "nogroup:x:65534:"),
	}
}
