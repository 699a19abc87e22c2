package config

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// installedSSH asks the installed OpenSSH client; without one the test fails,
// because a comparison that silently doesn't happen is worth nothing.
func installedSSH(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("ssh", args...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh %s: %v (this test needs OpenSSH's client: apt-get install openssh-client)", strings.Join(args, " "), err)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

// peerAlgorithms are what the installed client knows, so that the lists can be
// compared whatever its version.
func peerAlgorithms(t *testing.T) Known {
	t.Helper()
	defaults := values(installedSSH(t, "-G", "-F", "none", "h"))
	kind := func(query, keyword string) Algorithms {
		return Algorithms{All: installedSSH(t, "-Q", query), Default: strings.Split(defaults[keyword][0], ",")}
	}
	return Known{
		Kex:      kind("kex", "kexalgorithms"),
		Ciphers:  kind("cipher", "ciphers"),
		MACs:     kind("mac", "macs"),
		HostKeys: kind("HostKeyAlgorithms", "hostkeyalgorithms"),
		Pubkey:   kind("PubkeyAcceptedAlgorithms", "pubkeyacceptedalgorithms"),
	}
}

func values(lines []string) map[string][]string {
	all := map[string][]string{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, " ")
		all[name] = append(all[name], value)
	}
	return all
}

// differences are the keywords that the dump of Debian's OpenSSH 9.2 has
// otherwise, and why. unlessSaid compares them all the same where somebody
// gave the keyword a value.
func differences() map[string]struct {
	why        string
	unlessSaid bool
} {
	return map[string]struct {
		why        string
		unlessSaid bool
	}{
		"requirestrictkex":        {"ours", false},
		"proxyurl":                {"ours", false},
		"enableescapecommandline": {"yes here, by promise", true},
		"identityfile":            {"the default names differ between versions", true},
		"forwardx11trusted":       {"Debian's default is yes", true},
		"gssapikexalgorithms":     {"we have no list of them", true},
		"ipqos":                   {"the default is another since 10.1", true},
		"revokedhostkeys":         {"none is printed since it is a list, in 10", true},
		"casignaturealgorithms":   {"printed without its default here unless known", true},
		"warnweakcrypto":          {"9.2 lacks it", false},
		"obscurekeystroketiming":  {"9.2 lacks it", false},
		"channeltimeout":          {"9.2 lacks it", false},
		"tag":                     {"9.2 lacks it", false},
		"versionaddendum":         {"9.2 lacks it", false},
	}
}

// notCompared says which keywords of a dump differ for a known reason.
func notCompared(keyword string, c *Client) bool {
	if d, ok := differences()[keyword]; ok {
		_, said := c.Origin(keyword)
		return !d.unlessSaid || !said
	}
	// Debian's client has 300 with BatchMode
	return keyword == "serveraliveinterval" && c.BatchMode
}

func TestSameAsOpenSSH(t *testing.T) {
	known := peerAlgorithms(t)
	for _, test := range []struct {
		host, text string
		options    []string
	}{
		{"h", "", nil},
		{"Web.Example", "User=bob\nPort = 2222\nHostName \"%h.net\"\n", nil},
		{"::1", "Host *:*\nPort 9\n", nil},
		{"a", "Host b a\n Port 1\nHost *\n Port 2\n", nil},
		{"b", "Host * !b\n Port 1\nHost b\n Port 2\n", []string{"port=3"}},
		{"h", "Host A\nPort 5\nHost ?\nPort 6\nHost h,x\nPort 7\n", nil},
		{"h", "LogLevel debug2\nEscapeChar none\nRequestTTY no\nCompression yes\n", nil},
		{"h", "LogLevel QUIET\nEscapeChar ^]\nRequestTTY force\nBatchMode yes\n", nil},
		{"h", "EscapeChar \\\\\nStrictHostKeyChecking accept-new\nSessionType none\n", nil},
		{"h", "StrictHostKeyChecking no\nHashKnownHosts yes\nHostKeyAlias Foo\nPubkeyAuthentication no\n", nil},
		{"h", "PubkeyAuthentication host-bound\nPasswordAuthentication no\nChallengeResponseAuthentication no\n", nil},
		{"h", "RekeyLimit 1G 1h\nConnectTimeout 1m\nServerAliveInterval 2m\nServerAliveCountMax 7\n", nil},
		{"h", "RekeyLimit default 30\nConnectTimeout none\nServerAliveInterval none\nTCPKeepAlive no\n", nil},
		{"h", "RekeyLimit 512K none\nNumberOfPasswordPrompts 1\nConnectionAttempts 4\nAddressFamily inet6\n", nil},
		{"h", "UserKnownHostsFile none\nGlobalKnownHostsFile /a \"/b c\"\n", nil},
		{"h", "UserKnownHostsFile ~/x_%h_%p ~/y\nIdentityFile ~/.ssh/%r@%h\nIdentityFile /k\nIdentityFile /k\nIdentitiesOnly yes\n", nil},
		{"h", "SendEnv A B_* C\nSendEnv D -B*\nSetEnv X=1 Y=\"2 3\" X=4\nSetEnv Z=5\n", nil},
		{"h", "Ciphers aes256-ctr,aes128-ctr\nMACs +hmac-md5\nKexAlgorithms -*sha1,ecdh*\nHostKeyAlgorithms ^rsa*,ssh-ed25519\n", nil},
		{"h", "Ciphers ^aes256-ctr\nMACs -*etm*\nKexAlgorithms ^curve25519-sha256\nHostKeyAlgorithms ssh-ed*\nPubkeyAcceptedAlgorithms -*cert*,sk*\n", nil},
		{"h", "Ciphers -*\\,aes1*\nPubkeyAcceptedKeyTypes +ssh-rsa\n", []string{"MACs hmac-sha2-256", "Ciphers=+3des-cbc"}},
		{"web", "HostName web.internal\nMatch host *.internal\nUser u1\nMatch originalhost web user u1\nPort 10\nMatch all\nPort 11\n", nil},
		{"web", "Match exec \"test %h = web\" !exec false\nPort 10\nMatch localuser nobody,!*\nPort 11\n", nil},
		{"web", "User a\nMatch final host web\nPort 12\nUser b\nMatch !final\nLogLevel ERROR\n", nil},
		{"h", "RemoteCommand  echo \"%n\" %% %r # x\nStdinNull yes\nControlPath ~/.ssh/c-%C\nFingerprintHash md5\n", nil},
		{"h", "ControlPath none\nRemoteCommand none\nIdentityAgent ~/agent.%p\nBindAddress 127.0.0.1\n", nil},
		{"h", "IdentityAgent none\nPreferredAuthentications publickey,password\nNoHostAuthenticationForLocalhost yes\nUpdateHostKeys ask\n", nil},
		{"h", "  # comment\n\n\tPort\t=\t44 # comment\nUser \"quoted name\"\nUser other\f\n", nil},
		{"h", "IgnoreUnknown Foo*,bar\nFooBar 1\nBar x y\nForwardAgent yes\nGSSAPIAuthentication yes\n", nil},
	} {
		file := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
			t.Fatal(err)
		}
		args := []string{"-G", "-F", file}
		for _, option := range test.options {
			args = append(args, "-o", option)
		}
		theirs := values(installedSSH(t, append(args, test.host)...))
		if slices.Equal(theirs["loglevel"], []string{"SILENT"}) { // Debian's word for QUIET
			theirs["loglevel"] = []string{"QUIET"}
		}
		c, err := LoadClient(ClientQuery{Host: test.host, File: file, Options: test.options, Known: known, OnlyShow: true})
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		ours := values(c.Dump())
		for _, r := range clientTable() {
			name := strings.ToLower(r.name)
			if !notCompared(name, c) && !slices.Equal(ours[name], theirs[name]) {
				t.Errorf("%q: %s is %q here and %q there", test.text, name, ours[name], theirs[name])
			}
		}
	}
}

// TestSameErrorsAsOpenSSH holds the words that scripts and people look for.
func TestSameErrorsAsOpenSSH(t *testing.T) {
	for _, text := range []string{
		"Foo bar\n", "Port abc\n", "Port 0\n", "Port 70000\n", "User\n", "User a b\n", "User \"a\n", "LogLevel loud\n",
		"ConnectTimeout soon\n", "Host *\n\nBatchMode perhaps\nfoo\n", "EscapeChar abc\n", "SetEnv a\n", "RekeyLimit 5\n",
		"SendEnv A=1\n", "Ciphers\n", "NumberOfPasswordPrompts x\n", "IdentityFile a b\n",
	} {
		file := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("ssh", "-G", "-F", file, "h").CombinedOutput()
		if err == nil {
			t.Fatalf("OpenSSH takes %q", text)
		}
		theirs := strings.TrimSpace(strings.ReplaceAll(string(out), "\r", ""))
		_, err = LoadClient(ClientQuery{Host: "h", File: file})
		if err == nil || err.Error() != theirs {
			t.Errorf("%q: here\n%v\nthere\n%s", text, err, theirs)
		}
	}
}
