package config

import (
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A serverCase is a file and the connection that its Match blocks are judged
// for, as sshd -C has it.
type serverCase struct{ text, spec string }

const somebody = "user=root,host=web.example.net,addr=192.0.2.7,laddr=192.0.2.1,lport=22"

func serverCases() []serverCase {
	cases := []serverCase{{"", ""}, {"", somebody}}
	for _, line := range []string{
		"Port 2222", "Port 1\nPort 2", "AddressFamily inet", "LoginGraceTime 1m", "LoginGraceTime 0", "MaxAuthTries 3", "MaxSessions 0", "ClientAliveInterval 15", "ClientAliveCountMax 0",
		"PermitRootLogin yes", "PermitRootLogin without-password", "PermitRootLogin forced-commands-only", "PubkeyAuthentication no", "PasswordAuthentication no", "ChallengeResponseAuthentication no",
		"PrintMotd no", "PrintLastLog no", "PermitTTY no", "StrictModes no", "TCPKeepAlive no", "PermitEmptyPasswords yes", "Compression no", "Compression yes", "PidFile none", "PidFile /x", "Banner /etc/issue", "Banner none",
		"LogLevel DEBUG", "LogLevel QUIET", "SyslogFacility LOCAL3", "AuthorizedKeysFile /a/%u .b", "AuthorizedKeysFile none", "AllowUsers a b@c\nAllowUsers d", "DenyUsers a*", "AllowGroups x y", "DenyGroups z",
		"AcceptEnv LANG LC_*\nAcceptEnv FOO", "AuthenticationMethods publickey,password publickey", "AuthenticationMethods any", "Subsystem sftp /usr/lib/sftp-server -l INFO", "Subsystem sftp internal-sftp\nSubsystem x /y",
		"MaxStartups 5", "MaxStartups 5:40:60", "RekeyLimit 1G 1h", "RekeyLimit default none", "ListenAddress 127.0.0.1", "ListenAddress 127.0.0.1:2222", "ListenAddress [::1]:22\nPort 33",
		"IPQoS af21 cs1", "IPQoS none", "IPQoS 0x10", "ChannelTimeout session:*=5m direct-tcpip=0 x11-*=1h30m", "UnusedConnectionTimeout 1m30s", "UnusedConnectionTimeout 0",
		"PermitTunnel yes", "PermitTunnel point-to-point", "PermitTunnel ethernet",
	} {
		cases = append(cases, serverCase{line + "\n", ""})
	}
	for _, match := range []string{
		"User root", "User r*,!root", "User !bob,*", "User bob", "Group root", "Group nobody,root", "Group !root,*", "Host *.example.net", "Host WEB.*", "Address 192.0.2.0/24", "Address 192.0.2.*", "Address !192.0.2.7,192.0.2.0/24",
		"Address 10.0.0.0/8,192.0.2.7", "LocalAddress 192.0.2.1", "LocalAddress 10.*", "LocalPort 22", "LocalPort 23", "User root Address 192.0.2.7 LocalPort 22", "User root Address 192.0.2.8", "All", "RDomain x",
	} {
		text := "X11UseLocalhost yes\nMaxAuthTries 5\nAcceptEnv A\nMatch " + match + "\n\tMaxAuthTries 2\n\tMaxAuthTries 1\n\tAcceptEnv B\n\tPasswordAuthentication no\nMatch all\n\tMaxAuthTries 9\n\tPermitTTY no\n"
		cases = append(cases, serverCase{text, somebody}, serverCase{text, "user=nobody,host=h,addr=2001:db8::1,laddr=::1,lport=23"})
	}
	return cases
}

// TestServerSameAsOpenSSH compares the keywords that both dumps have.
func TestServerSameAsOpenSSH(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v: %s", err, out)
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "sshd_config")
	for _, test := range serverCases() {
		text := "HostKey " + key + "\n" + test.text
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"-T", "-f", file}
		q := ServerQuery{File: file, SystemDir: dir, OnlyShow: true}
		if test.spec != "" {
			args = append(args, "-C", test.spec)
			q.Connection = &Connection{Groups: []string{"root"}}
			if strings.Contains(test.spec, "nobody") {
				q.Connection.Groups = []string{"nogroup"}
			}
			if err := ParseConnection(test.spec, q.Connection); err != nil {
				t.Fatal(err)
			}
		}
		out, err := exec.Command("/usr/sbin/sshd", args...).Output()
		if err != nil {
			t.Errorf("OpenSSH refuses %q: %s", test.text, err.(*exec.ExitError).Stderr)
			continue
		}
		s, err := LoadServer(q)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		compareServer(t, test, s.Dump(), strings.Split(string(out), "\n"))
	}
}

// compareServer compares keyword by keyword: the order is not the point, and
// algorithms and addresses are told in other words.
func compareServer(t *testing.T, test serverCase, ours, theirs []string) {
	t.Helper()
	skip := []string{"ciphers", "macs", "kexalgorithms", "hostkeyalgorithms", "pubkeyacceptedalgorithms", "casignaturealgorithms", "requirestrictkex"}
	if !strings.Contains(test.text, "ListenAddress") {
		skip = append(skip, "listenaddress")
	}
	for _, keyword := range []string{"IPQoS", "ChannelTimeout"} { // other defaults in 9.2
		if !strings.Contains(test.text, keyword) {
			skip = append(skip, strings.ToLower(keyword))
		}
	}
	have, want := values(ours), values(theirs)
	for keyword := range have {
		value := want[keyword]
		if keyword == "loglevel" && slices.Equal(value, []string{"SILENT"}) { // Debian's word
			value = []string{"QUIET"}
		}
		if !slices.Contains(skip, keyword) && !slices.Equal(have[keyword], value) {
			t.Errorf("%q for %q: %s is %q here and %q there", test.text, test.spec, keyword, have[keyword], value)
		}
	}
}

func TestServerMatch(t *testing.T) {
	text := "MaxAuthTries 5\nMatch User bob\nMaxAuthTries 2\n"
	plain, err := loadServer(t, text)
	if err != nil || plain.MaxAuthTries != 5 || !plain.HasMatch() {
		t.Fatalf("without a connection: %+v, %v", plain, err)
	}
	for spec, want := range map[string]int{"user=bob": 2, "user=eve": 5, "addr=10.0.0.1": 5} {
		q := serverQuery(t, text)
		q.Connection = new(Connection)
		if err := ParseConnection(spec, q.Connection); err != nil {
			t.Fatal(err)
		}
		if s, err := LoadServer(q); err != nil || s.MaxAuthTries != want {
			t.Errorf("%s: %+v, %v", spec, s, err)
		}
		os.Remove(q.File) // the text that was read counts
		if s, err := plain.For(q.Connection); err != nil || s.MaxAuthTries != want {
			t.Errorf("%s, later: %+v, %v", spec, s, err)
		}
	}
	q := serverQuery(t, "")
	q.Connection = &Connection{User: "bob", InvalidUser: true, Address: netip.MustParseAddr("10.0.0.1")}
	for _, bad := range []string{
		"Match", "Match User", "Match User bob all", "Match all User bob", "Match Foo x", "Match Address 10.0.0.0/99", "Match LocalPort x", "Match User bob\nPort 3", "Match User bob\nHostKey /x",
		"Match User eve\nMaxAuthTries x",
	} {
		if err := os.WriteFile(q.File, []byte(bad+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadServer(q); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
	for _, good := range []string{"Match invalid-user\nMaxAuthTries 1", "Match user=bob address=10.0.0.0/8\nMaxAuthTries 1", "Match version OpenSSH_*\nMaxAuthTries 1"} {
		if err := os.WriteFile(q.File, []byte(good+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := LoadServer(q); err != nil || s.MaxAuthTries != 1 {
			t.Errorf("%q: %v", good, err)
		}
	}
	if err := ParseConnection("user", new(Connection)); err == nil {
		t.Error("a bad -C passed")
	}
}
