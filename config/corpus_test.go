package config

import "strings"

// corpusLines are single lines: every keyword with the values that matter.
func corpusLines() []string {
	var lines []string
	for _, keyword := range []string{
		"BatchMode", "CanonicalizeFallbackLocal", "CheckHostIP", "EnableSSHKeysign", "ExitOnForwardFailure", "ForwardX11",
		"ForwardX11Trusted", "GatewayPorts", "GSSAPIAuthentication", "GSSAPIDelegateCredentials", "GSSAPIKeyExchange", "GSSAPITrustDNS",
		"GSSAPIRenewalForcesRekey", "HashKnownHosts", "HostbasedAuthentication", "IdentitiesOnly",
		"NoHostAuthenticationForLocalhost", "PermitLocalCommand", "ProxyUseFdpass", "StdinNull",
		"StreamLocalBindUnlink", "VisualHostKey", "EnableEscapeCommandline", "ForwardAgent",
		"VerifyHostKeyDNS", "CanonicalizeHostname", "ControlMaster", "Tunnel", "UpdateHostKeys",
	} {
		lines = append(lines, keyword+" yes", keyword+" NO", strings.ToUpper(keyword)+"=true")
	}
	for _, row := range []struct{ keyword, values string }{
		{"AddressFamily", "inet inet6 any INET"},
		{"Compression", "yes no"},
		{"TCPKeepAlive", "no"}, {"KeepAlive", "no"},
		{"PasswordAuthentication", "no"}, {"KbdInteractiveAuthentication", "no"}, {"ChallengeResponseAuthentication", "no"}, {"SKeyAuthentication", "no"},
		{"PubkeyAuthentication", "no unbound host-bound"}, {"DSAAuthentication", "no"},
		{"RequestTTY", "force auto no YES"}, {"SessionType", "none subsystem default"},
		{"StrictHostKeyChecking", "yes no off ask accept-new false"},
		{"Tunnel", "ethernet point-to-point"}, {"TunnelDevice", "1 any 1:2 any:3 4:any Any:aNy 0:0"},
		{"ControlMaster", "ask auto autoask"}, {"ControlPersist", "yes no 0 10 1m 2h30m false true"},
		{"VerifyHostKeyDNS", "ask"}, {"UpdateHostKeys", "ask"}, {"CanonicalizeHostname", "always"},
		{"CanonicalizeMaxDots", "0 3"}, {"ConnectionAttempts", "4"}, {"NumberOfPasswordPrompts", "0 9"},
		{"ServerAliveCountMax", "0 9"}, {"ServerAliveInterval", "0 15 1m 1h1m1s 1w1d"}, {"ConnectTimeout", "5 1m none 0"},
		{"ForwardX11Timeout", "0 30 1h"}, {"RequiredRSASize", "2048"}, {"Port", "1 65535 022 ssh"},
		{"FingerprintHash", "md5 sha256 SHA256"}, {"BindAddress", "127.0.0.1 ::1"}, {"BindInterface", "lo"},
		{"HostKeyAlias", "Foo *"}, {"User", "bob b\\\\ob"}, {"HostName", "%h.net 127.0.0.1 0:0::1 Up.Case 127.1 0x7f.1 %%x"},
		{"IdentityAgent", "none SSH_AUTH_SOCK ~/agent $SSH_AUTH_SOCK ${HOME}/a %d/%u.%i"},
		{"ForwardAgent", "/tmp /dev ${HOME}"},
		{"ControlPath", "none NONE ~/x-%C ~/%n-%r-%h-%p-%l-%L-%u-%i-%% ${HOME}/y"},
		{"LogLevel", "QUIET FATAL ERROR INFO VERBOSE DEBUG DEBUG1 debug2 Debug3"},
		{"SyslogFacility", "DAEMON USER AUTH LOCAL0 local7"},
		{"LogVerbose", "none kex.c:*:1000,*:kex_exchange_identification():*"},
		{"PreferredAuthentications", "publickey,password none"}, {"KbdInteractiveDevices", "pam,bsdauth"},
		{"EscapeChar", "none ~ ^] ^[ x \\\\ \xe4"},
		{"RekeyLimit", "0 16 1K 512k 1M 4G 1g default"},
		{"StreamLocalBindMask", "0 022 0177 777"},
		{"AddKeysToAgent", "yes no ask confirm 5m 3600 true"},
		{"IPQoS", "none af11 AF43 cs0 cs7 ef le lowdelay throughput reliability 0x20 16 0 7"},
		{"XAuthLocation", "/opt/xauth none"}, {"SecurityKeyProvider", "internal none /lib/x.so"}, {"PKCS11Provider", "none /lib/p11.so"}, {"SmartcardDevice", "/lib/p11.so"},
		{"IgnoreUnknown", "a,b*"}, {"ProxyJump", "none a a,b u@a:22,v@b ssh://u@a:2200 [::1]:22 10.0.0.1 u@[10.0.0.1]:3,x 10.0.0.9,b a:22,[::1],b"},
		{"PermitRemoteOpen", "any none a:22 [::1]:*"}, {"CanonicalDomains", "none example.com Example.NET."},
		{"CanonicalizePermittedCNAMEs", "none"},
		{"UserKnownHostsFile", "none /a ~/.ssh/known_hosts ${HOME}/k %d/%h"}, {"GlobalKnownHostsFile", "none /a ~/x %h"},
		{"RevokedHostKeys", "/a ~/revoked"}, {"IdentityFile", "none ~/.ssh/%r@%h /k ${HOME}/id k\\ k"}, {"IdentityFile2", "/k"}, {"CertificateFile", "/c ~/c none"},
		{"DynamicForward", "1080 [::1]:1080 localhost:1080 *:1080 :1080 /tmp/sock"},
		{"RemoteForward", "8080 0 [::1]:8080 h:8080 /tmp/sock"},
		{"Ciphers", "aes128-ctr +3des-cbc -aes* ^aes256-ctr aes256-ctr,aes128-ctr"},
		{"MACs", "hmac-sha2-256 +hmac-md5 -*etm* ^hmac-sha2-512"},
		{"KexAlgorithms", "curve25519-sha256 -*sha1,ecdh* +diffie-hellman-group1-sha1 ^ecdh-sha2-nistp256"},
		{"HostKeyAlgorithms", "ssh-ed25519 +ssh-rsa -*cert* ^rsa*,ssh-ed25519 ssh-ed*"}, {"PubkeyAcceptedAlgorithms", "+ssh-rsa ^rsa-sha2-256 -sk*"},
		{"PubkeyAcceptedKeyTypes", "+ssh-dss"}, {"HostbasedAcceptedAlgorithms", "+ssh-rsa ssh-ed25519"}, {"HostbasedKeyTypes", "-rsa*"},
		{"CASignatureAlgorithms", "ssh-ed25519 -rsa* +ssh-rsa ^rsa-sha2-256"},
		{"Protocol", "2"}, {"UseRoaming", "no"}, {"Cipher", "3des"}, {"UsePrivilegedPort", "no"}, {"GSSAPIServerIdentity", "x"}, {"GSSAPIClientIdentity", "y"},
	} {
		for _, value := range strings.Fields(row.values) {
			lines = append(lines, row.keyword+" "+value)
		}
	}
	return append(lines, corpusSentences()...)
}

// corpusSentences are lines whose values have more than a word.
func corpusSentences() []string {
	return []string{
		"LocalForward 8080 localhost:80", "LocalForward [::1]:8080 [2001:db8::1]:80", "LocalForward *:8080 h:80", "LocalForward 127.0.0.1:8080 /run/x.sock",
		"LocalForward /tmp/%h.sock h:80", "LocalForward /tmp/a /tmp/b", "LocalForward 8080 h:http", "LocalForward 8080 h:80\nLocalForward 8080 h:80\nLocalForward 8081 h:80",
		"LocalForward ${HOME}/s /run/%u", "LocalForward 1:8080 h:80\nDynamicForward 1080\nLocalForward 3 h:4", "LocalForward \"8080\" \"h:80\" # x",
		"RemoteForward 8080 localhost:80", "RemoteForward 0 localhost:80", "RemoteForward [::]:8080 h:80", "RemoteForward /tmp/r.sock localhost:80",
		"RemoteForward 8080 /run/docker.sock", "RemoteForward /a /b", "RemoteForward 8080 h:80\nRemoteForward 8080 h:80",
		"LocalForward 8080 h:80\nClearAllForwardings yes", "DynamicForward 1080\nRemoteForward 1 h:2\nClearAllForwardings no",
		"PermitRemoteOpen a:22 b:* [::1]:80", "CanonicalDomains a.example b.example",
		"ForkAfterAuthentication yes\nSessionType none", "ForkAfterAuthentication no", "RekeyLimit 1G 1h", "RekeyLimit default 30", "RekeyLimit 512K none", "AddKeysToAgent confirm 5m",
		"IPQoS af21 cs1", "IPQoS 0x10 8", "GlobalKnownHostsFile /a \"/b c\"", "UserKnownHostsFile ~/x_%h_%p ~/y",
		"ProxyCommand nc %h %p", "ProxyCommand=nc -X 5 -x 'a b' %h %p # not a comment", "ProxyCommand none", "ProxyCommand = ssh -W [%h]:%p jump",
		"ProxyCommand nc\nProxyJump a", "ProxyJump a\nProxyCommand nc", "ProxyCommand none\nProxyJump a", "ProxyJump none\nProxyCommand nc", "ProxyJump none\nProxyJump b",
		"ProxyJump a,b # c", "LocalCommand echo \"%h\" %% # x", "LocalCommand none", "RemoteCommand  echo \"%n\" %% %r # x", "RemoteCommand none",
		"KnownHostsCommand /usr/bin/x %H %t", "KnownHostsCommand none", "SendEnv A B_* C\nSendEnv D -B*", "SendEnv A A\nSendEnv A", "SendEnv -X",
		"SetEnv X=1 Y=\"2 3\" X=4\nSetEnv Z=5", "SetEnv \"A=b c\" B=", "IdentityFile /k\nIdentityFile /k\nIdentityFile /l\nIdentitiesOnly yes",
		"CertificateFile /a\nCertificateFile /b\nCertificateFile /a", "IdentityFile \"a b\"", "User \"quoted name\"\nUser other\f",
		"UserKnownHostsFile ~/.ssh/known_hosts\nVerifyHostKeyDNS yes", "UpdateHostKeys ask\nRemoteCommand ls", "UpdateHostKeys ask\nRequestTTY no",
		"UpdateHostKeys ask\nControlPersist yes\nControlPath /x", "UpdateHostKeys ask\nLogLevel ERROR",
		"IgnoreUnknown Foo*,bar\nFooBar 1\nBar x y\nForwardAgent yes", "  # comment\n\n\tPort\t=\t44 # comment", "\"Port\" 45", "Port=46", "Port = 47", "Port   48",
	}
}

// A corpusFile is a file, a host, and -o options.
type corpusFile struct {
	host, text string
	options    []string
}

func corpusFiles() []corpusFile {
	return []corpusFile{
		{"h", "", nil},
		{"Web.Example", "User=bob\nPort = 2222\nHostName \"%h.net\"\n", nil},
		{"::1", "Host *:*\nPort 9\n", nil},
		{"127.1", "Host 127.1\nPort 9\nHost 127.0.0.1\nPort 10\nMatch host 127.0.0.1\nUser x\n", nil},
		{"010.1", "Match final host 8.0.0.1\nUser x\n", nil},
		{"0:0:0::1", "Match final host ::1\nUser x\n", nil},
		{"1.2.3.4.5", "", nil}, {"fe80::1%lo", "", nil}, {"0x7f000001", "", nil},
		{"a", "Host b a\n Port 1\nHost *\n Port 2\n", nil},
		{"b", "Host * !b\n Port 1\nHost b\n Port 2\n", []string{"port=3"}},
		{"h", "Host A\nPort 5\nHost ?\nPort 6\nHost h,x\nPort 7\n", nil},
		{"h", "Host \"h\"\nPort 5\nHost !x h\nUser u\nHost h !h\nLogLevel ERROR\n", nil},
		{"h", "Host h # x\nPort 5\nHost nope\nForwardAgent yes\nHost *\nForwardX11 yes\n", nil},
		{"h", "Ciphers -*\\,aes1*\nPubkeyAcceptedKeyTypes +ssh-rsa\n", []string{"MACs hmac-sha2-256", "Ciphers=+3des-cbc"}},
		{"web", "HostName web.internal\nMatch host *.internal\nUser u1\nMatch originalhost web user u1\nPort 10\nMatch all\nPort 11\n", nil},
		{"web", "Match exec \"test %h = web\" !exec false\nPort 10\nMatch localuser nobody,!*\nPort 11\n", nil},
		{"web", "User a\nMatch final host web\nPort 12\nUser b\nMatch !final\nLogLevel ERROR\n", nil},
		{"web", "HostName web.%h\nMatch final host web.web\nPort 12\nMatch canonical\nUser c\n", nil},
		{"WEB", "Match host web\nPort 12\nMatch originalhost WEB\nUser c\nMatch originalhost web\nLogLevel ERROR\n", nil},
		{"web", "Match host w*,!web\nPort 12\nMatch !host web\nPort 13\nMatch !host other\nPort 14\n", nil},
		{"web", "Match user root localuser root\nPort 12\nMatch user *\nUser x\n", nil},
		{"web", "Host other\nMatch all\nPort 3\nHost web\nUser x\nMatch host web user x\nLogLevel DEBUG\n", nil},
		{"web", "Match exec \"exit 1\"\nPort 1\nMatch exec \"test %p-%r-%n-%L = 22-root-web-%L\"\nPort 2\n", nil},
		{"web", "SendEnv A\nIdentityFile /k\nLocalForward 1 h:2\nMatch final\nSendEnv B\nIdentityFile /l\n", nil},
		{"web", "CanonicalizeHostname yes\nProxyCommand nc %h\nHost web\nSendEnv A\nMatch canonical\nUser x\n", nil},
		{"web", "CanonicalizeHostname yes\nCanonicalizeMaxDots 0\nMatch canonical host web\nUser x\n", []string{"ProxyCommand=none"}},
		{"127.0.0.1", "CanonicalizeHostname always\nCanonicalDomains invalid\nMatch canonical\nUser x\n", nil},
		{"localhost.", "CanonicalizeHostname always\nMatch canonical host localhost\nUser x\n", nil},
		{"a.b.c", "CanonicalizeHostname yes\nCanonicalDomains invalid\nMatch final\nUser x\n", nil},
		{"h", "User x\nPort 1\n", []string{"User y", "port 2", "User z", "LocalForward 1 h:2", "RemoteForward 3", "SendEnv=A B", "SetEnv=A=b"}},
		{"h", "UserKnownHostsFile %d/k-%k-%C\nControlPath /tmp/%C\n", nil},
		{"h", "HostKeyAlias Al\nUserKnownHostsFile %d/k-%k\n", nil},
		{"h", "IdentityFile %d/a\nCertificateFile %d/b\nHost h\nIdentityFile ~/c\n", []string{"IdentityFile=/z"}},
		{"h", "ProxyJump u@j:3\n", []string{"ProxyCommand=none"}},
		{"h", "ProxyCommand x\n", []string{"ProxyJump=j"}},
		{"localhost", "CanonicalizePermittedCNAMEs *:*\n", nil}, {"localhost", "CanonicalizePermittedCNAMEs a.B:c.D x:y\n", nil},
		{"localhost", "CanonicalizePermittedCNAMEs *\n", nil}, {"localhost", "CanonicalizePermittedCNAMEs *.x,*.y:z\nCanonicalizeHostname yes\n", nil},
		{"h", "Match host x all\nPort 3\nMatch final all\nUser x\nMatch canonical all\nBatchMode yes\n", nil},
		{"h", "Include /nonexistent/*\nPort 3\n", nil},
	}
}

// badFiles are files that OpenSSH refuses.
func badFiles() []string {
	return []string{
		"Foo bar\n", "Port abc\n", "Port 0\n", "Port 70000\n", "Port -1\n", "User\n", "User a b\n", "User \"a\n", "User \"\"\n", "LogLevel loud\n",
		"ConnectTimeout soon\n", "ConnectTimeout -1\n", "ConnectTimeout 1x\n", "Host *\n\nBatchMode perhaps\nfoo\n", "EscapeChar abc\n", "EscapeChar ^?\n", "SetEnv a\n", "RekeyLimit 5\n",
		"RekeyLimit x\n", "RekeyLimit 1G soon\n", "RekeyLimit 1G 1h x\n", "SendEnv A=1\n", "Ciphers\n", "Ciphers \"\"\n", "NumberOfPasswordPrompts x\n", "NumberOfPasswordPrompts 99999999999\n", "IdentityFile a b\n",
		"IdentityFile \"\"\n", "AddressFamily ipx\n", "Compression maybe\n", "Compression true\n", "StrictHostKeyChecking perhaps\n", "Tunnel maybe\n", "TunnelDevice x\n", "TunnelDevice 1:x\n",
		"TunnelDevice -1\n", "ControlPersist soon\n", "ControlMaster maybe\n", "LocalForward 80\n", "LocalForward x h:80\n", "LocalForward 80 h\n", "LocalForward 80 h:0\n", "LocalForward 0 h:80\n",
		"LocalForward 80 h:80 x\n", "RemoteForward x\n", "RemoteForward 80 h\n", "DynamicForward x\n", "DynamicForward 80 90\n", "DynamicForward 0\n", "LocalForward [::1:80 h:80\n", "LocalForward 80 h:80:90:100\n",
		"StreamLocalBindMask 9\n", "StreamLocalBindMask 1777\n", "StreamLocalBindMask -1\n", "IPQoS fast\n", "IPQoS af11 fast\n", "IPQoS 256\n", "CanonicalDomains -x\n", "CanonicalDomains a..b\n", "CanonicalDomains a/b\n",
		"CanonicalDomains none x\n", "CanonicalizePermittedCNAMEs x\n", "CanonicalizePermittedCNAMEs x:\n", "CanonicalizePermittedCNAMEs none x:y\n", "ProxyJump a@\n", "ProxyJump @a\n", "ProxyJump a:x\n", "ProxyJump a,\n",
		"ProxyJump ssh://\n", "PermitRemoteOpen a\n", "PermitRemoteOpen a:x\n", "PermitRemoteOpen none a:1\n", "AddKeysToAgent perhaps\n", "AddKeysToAgent confirm x\n", "AddKeysToAgent yes 5\n",
		"FingerprintHash crc\n", "SyslogFacility KERN\n", "UserKnownHostsFile none /a\n", "GlobalKnownHostsFile /a none\n", "LogVerbose none a\n", "IdentityAgent $a-b\n", "IdentityAgent ${\n", "IdentityAgent ${NO_SUCH_VARIABLE}\n",
		"ForwardAgent $a-b\n", "Host \"\"\n", "Host\n", "Match\n", "Match host\n", "Match all host x\n", "Match foo x\n", "Match exec\n", "Match host \"\"\n", "Match localnetwork x\n",
		"Include \"\"\n", "Include\n", "HostKeyAlgorithms bogus\n", "MACs bogus\n", "KexAlgorithms bogus\n", "Ciphers bogus\n", "CASignatureAlgorithms bogus\n", "PubkeyAcceptedAlgorithms a,b\n",
		"RequestTTY maybe\n", "SessionType x\n", "SessionType yes\n", "ServerAliveInterval x\n", "ServerAliveCountMax 1.5\n", "ConnectionAttempts 0\n", "= 5\n", "Port==5\n", "BatchMode yes no\n", "User 'a\n",
	}
}
