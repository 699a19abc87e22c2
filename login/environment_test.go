package login

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestAcceptEnv(t *testing.T) {
	a := AcceptEnv{"LANG", "LC_*", "X?Z"}
	all := AcceptEnv{"*"}
	for _, name := range []string{"LANG", "LC_ALL", "LC_", "XYZ"} {
		if !a.Accepts(name) || !all.Accepts(name) {
			t.Errorf("%s is refused", name)
		}
	}
	for _, name := range []string{"LANGX", "lang", "XYYZ", "", "LC_A=B", "LC_\x00", "1A", "LC_é", "LC_ A"} {
		if a.Accepts(name) {
			t.Errorf("%q is accepted", name)
		}
	}
	for _, name := range []string{
		"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV", "IFS", "GCONV_PATH",
		"GLIBC_TUNABLES", "BASH_FUNC_ls", "SSH_ORIGINAL_COMMAND", "SSH_CONNECTION", "SHELLOPTS",
	} {
		if all.Accepts(name) || (AcceptEnv{name}).Accepts(name) {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("TZ", "Europe/Lisbon")
	u := &User{Name: "ann", UID: 1000, Home: "/home/ann", Shell: "/bin/bash"}
	e := Environment{
		User: u, Client: netip.MustParseAddrPort("[::ffff:10.0.0.1]:5000"), Server: netip.MustParseAddrPort("10.0.0.2:22"),
		TTY: "/dev/pts/1", Term: "xterm\x00evil", Original: "ls -l", Agent: "/tmp/agent",
	}
	all := AcceptEnv{"*"}
	for name, value := range map[string]string{"LANG": "C.UTF-8", "HOME": "/evil", "PATH": "/evil", "MAIL": "x"} {
		if err := e.Set(all, name, value); err != nil {
			t.Error(err)
		}
	}
	_ = e.Set(all, "LANG", "pt_PT.UTF-8")
	for name, value := range map[string]string{"LD_PRELOAD": "x", "A": "x\x00y", "B": strings.Repeat("x", maxEnvironment)} {
		if err := e.Set(all, name, value); !errors.Is(err, ErrVariable) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := e.SetFromKey(&Restrictions{Environment: []string{"K=1", "LD_AUDIT=x"}}); err != nil {
		t.Error(err)
	}
	got := e.List()
	slices.Sort(got)
	want := []string{
		"HOME=/home/ann", "K=1", "LANG=pt_PT.UTF-8", "LOGNAME=ann", "MAIL=/var/mail/ann", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/games",
		"SHELL=/bin/bash", "SSH_AUTH_SOCK=/tmp/agent", "SSH_CLIENT=10.0.0.1 5000 22", "SSH_CONNECTION=10.0.0.1 5000 10.0.0.2 22",
		"SSH_ORIGINAL_COMMAND=ls -l", "SSH_TTY=/dev/pts/1", "TERM=xterm", "TZ=Europe/Lisbon", "USER=ann",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	u.UID = 0
	if !slices.Contains((&Environment{User: u}).List(), "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin") {
		t.Error("root has the wrong PATH")
	}
	n := 0
	for ; e.Set(all, "V", "") == nil; n++ {
	}
	if n > maxVariables {
		t.Errorf("%d variables", n)
	}
}
