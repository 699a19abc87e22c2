package config

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

func loadServer(t testing.TB, text string, options ...string) (*Server, error) {
	t.Helper()
	return LoadServer(serverQuery(t, text, options...))
}

func serverQuery(t testing.TB, text string, options ...string) ServerQuery {
	dir := t.TempDir()
	file := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return ServerQuery{File: file, Options: options, SystemDir: dir, Known: Known{
		Ciphers: Algorithms{All: []string{"c1", "c2"}, Default: []string{"c1"}},
	}}
}

func mustServe(t testing.TB, text string, options ...string) *Server {
	t.Helper()
	s, err := loadServer(t, text, options...)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return s
}

func TestServerDefaults(t *testing.T) {
	s := mustServe(t, "")
	if !reflect.DeepEqual(s.Port, []int{22}) || len(s.HostKey) != 3 || s.HostKeysGiven() {
		t.Errorf("%+v", s)
	}
	if s.LoginGraceTime != 2*time.Minute || s.MaxAuthTries != 6 || s.MaxSessions != 10 || s.MaxStartups != (MaxStartups{10, 30, 100}) {
		t.Errorf("%+v", s)
	}
	if s.PermitRootLogin != RootProhibitPassword || !s.StrictModes || !s.PasswordAuthentication || s.PermitEmptyPasswords || s.Banner != "" {
		t.Errorf("%+v", s)
	}
	if network, at := s.Addresses(); network != "tcp" || !reflect.DeepEqual(at, []string{":22"}) {
		t.Errorf("%s %q", network, at)
	}
	files, err := s.AuthorizedKeysFiles("bob", "/home/bob", "1000")
	if err != nil || !reflect.DeepEqual(files, []string{"/home/bob/.ssh/authorized_keys", "/home/bob/.ssh/authorized_keys2"}) {
		t.Errorf("%q, %v", files, err)
	}
}

func TestServerValues(t *testing.T) {
	s := mustServe(t, `
Port 22
Port 2222
ListenAddress 127.0.0.1
ListenAddress [::1]:99
ListenAddress localhost:98
ListenAddress fe80::1
AddressFamily inet
HostKey /k1
HostKey /k2
AuthorizedKeysFile /keys/%u .ssh/%U%% %h/x
PermitRootLogin without-password
LoginGraceTime 1h30m
MaxStartups 5:50:20
AcceptEnv LANG LC_*
AcceptEnv FOO
Subsystem sftp internal-sftp -l "a b"
Subsystem sftp other
AuthenticationMethods publickey,password publickey
Banner none
PidFile none
Compression delayed
RekeyLimit 1G 1h
LogLevel VERBOSE
UsePAM no
X11Forwarding no
PermitUserEnvironment no
Ciphers +c2
Match all
MaxAuthTries 3
MaxAuthTries 4
`)
	_, at := s.Addresses()
	want := []string{"127.0.0.1:22", "127.0.0.1:2222", "[::1]:99", "localhost:98", "[fe80::1]:22", "[fe80::1]:2222"}
	if !reflect.DeepEqual(at, want) {
		t.Errorf("addresses %q", at)
	}
	if network, _ := s.Addresses(); network != "tcp4" {
		t.Errorf("network %s", network)
	}
	files, err := s.AuthorizedKeysFiles("bob", "/home/bob", "1000")
	if err != nil || !reflect.DeepEqual(files, []string{"/keys/bob", "/home/bob/.ssh/1000%", "/home/bob/x"}) {
		t.Errorf("%q, %v", files, err)
	}
	if !reflect.DeepEqual(s.HostKey, []string{"/k1", "/k2"}) || !s.HostKeysGiven() || s.PermitRootLogin != RootProhibitPassword {
		t.Errorf("%+v", s)
	}
	if s.LoginGraceTime != 90*time.Minute || s.MaxStartups != (MaxStartups{5, 50, 20}) || s.MaxAuthTries != 3 || s.LogLevel != LogVerbose {
		t.Errorf("%+v", s)
	}
	if !reflect.DeepEqual(s.AcceptEnv, []string{"LANG", "LC_*", "FOO"}) || !pattern.Any("LC_ALL", s.AcceptEnv...) || pattern.Any("PATH", s.AcceptEnv...) {
		t.Errorf("%q", s.AcceptEnv)
	}
	if !reflect.DeepEqual(s.Subsystem, []Subsystem{{"sftp", `internal-sftp -l "a b"`}}) {
		t.Errorf("%q", s.Subsystem)
	}
	if !reflect.DeepEqual(s.AuthenticationMethods, [][]string{{"publickey", "password"}, {"publickey"}}) || !reflect.DeepEqual(s.Ciphers, []string{"c1", "c2"}) {
		t.Errorf("%q %q", s.AuthenticationMethods, s.Ciphers)
	}
	lines := s.Dump()
	for _, line := range []string{"port 22", "port 2222", "permitrootlogin without-password", "logingracetime 5400", "maxstartups 5:50:20",
		"listenaddress [::1]:99", "authenticationmethods publickey,password publickey", `subsystem sftp internal-sftp -l "a b"`,
		"banner none", "usepam no", "rekeylimit 1073741824 3600", "ciphers c1,c2", "hostkey /k2", "acceptenv LC_*"} {
		if !slices.Contains(lines, line) {
			t.Errorf("the dump lacks %q:\n%s", line, strings.Join(lines, "\n"))
		}
	}
}

func TestServerOptionsAndPorts(t *testing.T) {
	q := serverQuery(t, "Port 1\nMaxSessions 1\n", "MaxSessions=5")
	q.Ports = []int{7, 8}
	s, err := LoadServer(q)
	if err != nil || !reflect.DeepEqual(s.Port, []int{7, 8}) || s.MaxSessions != 5 {
		t.Errorf("%+v, %v", s, err)
	}
	q = ServerQuery{File: "none", SystemDir: "/nonexistent"}
	if _, err := LoadServer(q); err != nil {
		t.Errorf("no file: %v", err)
	}
	q.File = "/nonexistent/sshd_config"
	if _, err := LoadServer(q); err == nil || err.Error() != "/nonexistent/sshd_config: no such file or directory" {
		t.Errorf("a missing file: %v", err)
	}
}

func TestServerErrors(t *testing.T) {
	q := serverQuery(t, "Port 1\nYooBar x\nPort\nPort 0\nMaxAuthTries x\nStrictModes no yes\nMaxStartups 9:0:3\nUsePAM yes\nPermitUserEnvironment yes\nAuthenticationMethods any,password\nCiphers c3\nAuthorizedKeysFile %z\nLoginGraceTime forever\nListenAddress [::1\n")
	_, err := LoadServer(q)
	var bad *Error
	if !errors.As(err, &bad) {
		t.Fatalf("%T %v", err, err)
	}
	want := strings.ReplaceAll(`F: line 2: Bad configuration option: YooBar
F line 3: no argument after keyword "Port"
F line 4: Badly formatted port number.
F line 5: integer value invalid.
F line 6: keyword strictmodes extra arguments at end of line
F line 7: Invalid MaxStartups spec.
F line 8: UsePAM is not supported: passwords are checked against the shadow file. Set UsePAM no.
F line 9: PermitUserEnvironment is not supported: users would set variables before their shell starts. Set it to no.
F line 10: invalid AuthenticationMethods method list: 'any' is not publickey, password or keyboard-interactive.
F line 11: Bad SSH2 cipher spec 'c3'. (unknown name 'c3')
F line 12: keyword authorizedkeysfile: unknown token %z in '%z': write %% for a percent sign
F line 13: invalid time value.
F line 14: bad address:port usage
F: terminating, 13 bad configuration options`, "F", q.File)
	if err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestServerUnsupported(t *testing.T) {
	for _, text := range []string{
		"X11Forwarding yes", "ChrootDirectory /x", "ForceCommand ls", "SetEnv A=b",
		"PerSourcePenalties yes", "GSSAPIAuthentication yes", "AuthorizedKeysCommand /x",
	} {
		_, err := loadServer(t, text)
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Line != 1 || refused.Keyword != strings.Fields(text)[0] {
			t.Errorf("%q: %v", text, err)
		}
	}
	_, err := loadServer(t, "ForceCommand none\nMatch user bob\n\tForceCommand ls\n")
	if refused := (*RefusedError)(nil); !errors.As(err, &refused) || refused.Line != 3 {
		t.Errorf("in a block: %v", err)
	}
	for _, text := range []string{
		"X11Forwarding no", "ChrootDirectory none", "AllowTcpForwarding no", "DisableForwarding yes", "PerSourcePenalties no",
		"X11Forwarding no\nX11Forwarding yes", // the first value wins here too
	} {
		if _, err := loadServer(t, text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	s := mustServe(t, "X11DisplayOffset 10\nUsePrivilegeSeparation yes\n")
	if len(s.Notes()) != 2 {
		t.Errorf("notes: %v", s.Notes())
	}
}

func TestServerInclude(t *testing.T) {
	q := serverQuery(t, "Include sub/*.conf\nMaxSessions 1\n")
	sub := filepath.Join(q.SystemDir, "sub")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(sub, "a.conf"), []byte("MaxSessions 4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := LoadServer(q)
	if err != nil || s.MaxSessions != 4 {
		t.Errorf("%+v, %v", s, err)
	}
	if at, ok := s.Origin("MaxSessions"); !ok || filepath.Base(at.File) != "a.conf" {
		t.Errorf("origin %v", at)
	}
}

func TestPermits(t *testing.T) {
	for _, test := range []struct {
		text, user, groups string
		ok                 bool
	}{
		{"", "bob", "", true},
		{"AllowUsers alice b*", "bob", "", true},
		{"AllowUsers alice", "bob", "", false},
		{"DenyUsers bob", "bob", "", false},
		{"AllowUsers bob\nDenyUsers b*", "bob", "", false},
		{"AllowUsers bob@10.0.0.0/8", "bob", "", true},
		{"AllowUsers bob@192.168.0.0/16", "bob", "", false},
		{"AllowUsers bob@*.example.org", "bob", "", true},
		{"AllowUsers bob@!10.1.2.3,*", "bob", "", false},
		{"DenyUsers bob@10.1.2.3", "bob", "", false},
		{"AllowUsers bob@*,!10.0.0.0/33", "bob", "", false}, // what was to refuse may be the broken one
		{"DenyUsers bob@10.0.0.1/8", "bob", "", false},
		{"DenyUsers al@10.0.0.1/8", "bob", "", true},
		{"AllowGroups wheel", "bob", "users wheel", true},
		{"AllowGroups wheel", "bob", "users", false},
		{"DenyGroups u*", "bob", "users", false},
		{"AllowGroups wheel", "bob", "", false},
	} {
		s := mustServe(t, test.text)
		ok, reason := s.Permits(test.user, "pc.example.org", "10.1.2.3", strings.Fields(test.groups))
		if ok != test.ok || (reason == "") != ok {
			t.Errorf("%q: %v %q", test.text, ok, reason)
		}
	}
}

func FuzzServer(f *testing.F) {
	f.Add("Port 22\nListenAddress [::1]:22\nMaxStartups 1:2:3\nSubsystem a b\nMatch all\n")
	f.Add("AuthorizedKeysFile %h/%u \"x y\"\nAllowUsers a@b,!c\nAuthenticationMethods publickey,password any\n")
	f.Add("Ciphers ^c2,c?\nRekeyLimit 9E 1w\nUsePAM no\nX11Forwarding no\nBanner /x\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") || strings.Contains(text, "~") {
			return // other files are not the parser's input
		}
		table := serverTable()
		known := Known{Ciphers: Algorithms{All: []string{"c1", "c2"}, Default: []string{"c1"}}}
		l := &serverLoader{loader: newLoader(table, serverOthers(), serverAliases(), &known), snap: newSnapshot()}
		if err := l.lines("fuzz", []byte(text), l.block); err != nil {
			if err.Error() == "" {
				t.Error("an error without text")
			}
			return
		}
		if l.judge(nil, false) != nil {
			return
		}
		if err := l.fill(table); err != nil {
			t.Fatal(err)
		}
		s := l.into
		if err := s.finish("/etc/ssh"); err != nil {
			t.Fatal(err)
		}
		if s.usePAM || s.permitUserEnv || len(s.Port) == 0 || len(s.Ciphers) == 0 || len(s.Dump()) < 20 {
			t.Errorf("%+v", s)
		}
		if _, err := s.AuthorizedKeysFiles("u", "/h", "0"); err != nil {
			t.Error(err)
		}
	})
}

func TestServerForwarding(t *testing.T) {
	s, err := loadServer(t, "")
	if f := s.Forwarding; err != nil || f.AllowTCP != ForwardingYes || f.AllowSockets != ForwardingYes || f.Disable ||
		f.GatewayPorts != GatewayPortsNo || f.PermitOpen != nil || f.PermitListen != nil || f.SocketMask != 0o177 || f.SocketUnlink {
		t.Errorf("without a word: %+v, %v", f, err)
	}
	s, err = loadServer(t, "AllowTcpForwarding remote\nAllowStreamLocalForwarding local\nGatewayPorts clientspecified\n"+
		"PermitOpen a:1 [::1]:*\nPermitListen 80 b:8*:9\nStreamLocalBindMask 0111\nStreamLocalBindUnlink yes\nDisableForwarding yes")
	if f := s.Forwarding; err != nil || f.AllowTCP != ForwardingRemoteOnly || f.AllowSockets != ForwardingLocalOnly || !f.Disable ||
		f.GatewayPorts != GatewayPortsSpecified || strings.Join(f.PermitOpen, " ") != "a:1 [::1]:*" ||
		strings.Join(f.PermitListen, " ") != "*:80 b:8*:9" || f.SocketMask != 0o111 || !f.SocketUnlink {
		t.Errorf("with all of it: %+v, %v", f, err)
	}
	if s, err = loadServer(t, "PermitOpen none\nPermitListen none"); err != nil || s.Forwarding.PermitOpen == nil || len(s.Forwarding.PermitOpen) != 0 || s.Forwarding.PermitListen == nil {
		t.Errorf("none: %+v, %v", s.Forwarding, err)
	}
	for _, text := range []string{"PermitOpen", "PermitOpen 80", "PermitOpen a:b", "PermitOpen a:1 none", "PermitOpen a:0", "PermitListen x",
		"GatewayPorts maybe", "AllowTcpForwarding some", "StreamLocalBindMask 8", "StreamLocalBindMask 7777"} {
		if _, err := loadServer(t, text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
