package config

import (
	"slices"
	"time"
)

// serverTable is sshd_config: a row a keyword, in the order of sshd -T.
func serverTable() []row[Server] {
	type s = Server
	return slices.Concat([]row[s]{
		{"Port", ports(), "22", true, globalOnly, "A port to listen on; may be given many times."},
		{"AddressFamily", choice(func(s *s) *string { return &s.AddressFamily }, "any", "any", "inet", "inet", "inet6", "inet6"), "any", false, globalOnly, "Which addresses to listen on: any, inet or inet6."},
		{"ListenAddress", listenAddress(), "", true, globalOnly, "An address, with or without a port, to listen on; may be given many times."},
		{"UsePAM", onlyNo(func(s *s) *bool { return &s.usePAM }, "UsePAM is not supported: passwords are checked against the shadow file. Set UsePAM no."), "no", false, globalOnly, "Must be no."},
		{"LoginGraceTime", seconds(func(s *s) *time.Duration { return &s.LoginGraceTime }, ""), "120", false, globalOnly, "How long a login may take; 0 for no limit."},
		{"MaxAuthTries", number(func(s *s) *int { return &s.MaxAuthTries }, 0), "6", false, anywhere, "How many attempts a connection has."},
		{"MaxSessions", number(func(s *s) *int { return &s.MaxSessions }, 0), "10", false, anywhere, "How many sessions a connection may have open."},
		{"ClientAliveInterval", seconds(func(s *s) *time.Duration { return &s.ClientAliveInterval }, ""), "0", false, anywhere, "How long to hear nothing before a keepalive is sent."},
		{"ClientAliveCountMax", number(func(s *s) *int { return &s.ClientAliveCountMax }, 0), "3", false, anywhere, "How many unanswered keepalives end the connection."},
		{"RequiredRSASize", number(func(s *s) *int { return &s.RequiredRSASize }, 0), "1024", false, anywhere, "The smallest RSA key to accept, in bits."},
		{"PermitRootLogin", choice(func(s *s) *PermitRootLogin { return &s.PermitRootLogin },
			"without-password", "prohibit-password", "prohibit-password", "prohibit-password",
			"forced-commands-only", "forced-commands-only", "yes", "yes", "no", "no"), "prohibit-password", false, anywhere, "How root may log in: yes, prohibit-password, forced-commands-only or no."},
		{"PubkeyAuthentication", flag(func(s *s) *bool { return &s.PubkeyAuthentication }), "yes", false, anywhere, "Let users log in with a key."},
		{"PasswordAuthentication", flag(func(s *s) *bool { return &s.PasswordAuthentication }), "yes", false, anywhere, "Let users log in with a password."},
		{"KbdInteractiveAuthentication", flag(func(s *s) *bool { return &s.KbdInteractiveAuthentication }), "yes", false, anywhere, "Let users log in by answering questions."},
		{"PrintMotd", flag(func(s *s) *bool { return &s.PrintMotd }), "yes", false, globalOnly, "Print /etc/motd to a new shell."},
		{"PrintLastLog", flag(func(s *s) *bool { return &s.PrintLastLog }), "yes", false, globalOnly, "Print the time of the last login to a new shell."},
		{"PermitTTY", flag(func(s *s) *bool { return &s.PermitTTY }), "yes", false, anywhere, "Let users have a terminal."},
		{"StrictModes", flag(func(s *s) *bool { return &s.StrictModes }), "yes", false, globalOnly, "Use a user's files only where nobody else can write them."},
		{"TCPKeepAlive", flag(func(s *s) *bool { return &s.TCPKeepAlive }), "yes", false, globalOnly, "Let the system notice a dead connection."},
		{"PermitEmptyPasswords", flag(func(s *s) *bool { return &s.PermitEmptyPasswords }), "no", false, anywhere, "Let users with an empty password log in with it."},
		{"Compression", serverCompression(), "delayed", false, globalOnly, "Let clients compress once they have logged in: yes or no."},
		{"RequireStrictKex", flag(func(s *s) *bool { return &s.RequireStrictKex }), "no", false, globalOnly, "Refuse a client without strict key exchange (nacre)."},
		{"PidFile", fileName(func(s *s) *string { return &s.PidFile }), "/run/sshd.pid", false, globalOnly, "The file that gets the server's process number; none for no file."},
		{"ModuliFile", fileName(func(s *s) *string { return &s.ModuliFile }), "/etc/ssh/moduli", false, globalOnly, "The file of Diffie-Hellman groups."},
		{"Ciphers", algorithms(func(s *s) *[]string { return &s.Ciphers }, func(k *Known) Algorithms { return k.Ciphers }, false, "Bad SSH2 cipher spec '%s'."), "default", false, globalOnly, "Ciphers, best first; +, - and ^ change the default list."},
		{"MACs", algorithms(func(s *s) *[]string { return &s.MACs }, func(k *Known) Algorithms { return k.MACs }, false, "Bad SSH2 mac spec '%s'."), "default", false, globalOnly, "Message authentication codes, best first."},
		{"Banner", fileName(func(s *s) *string { return &s.Banner }), "none", false, anywhere, "The file to show before login; none for nothing."},
		{"TrustedUserCAKeys", fileName(func(s *s) *string { return &s.TrustedUserCAKeys }), "none", false, anywhere, "The file of the keys that sign users' certificates."},
		{"RevokedKeys", fileName(func(s *s) *string { return &s.RevokedKeys }), "none", false, anywhere, "The file of keys that are never accepted: a list, or a KRL of ssh-keygen's."},
		{"AuthorizedPrincipalsFile", principalsFile(), "none", false, anywhere, "The file of the names that a user's certificate may have; %h, %u and %U as in AuthorizedKeysFile."},
		{"KexAlgorithms", algorithms(func(s *s) *[]string { return &s.KexAlgorithms }, func(k *Known) Algorithms { return k.Kex }, false, "Bad SSH2 KexAlgorithms '%s'."), "default", false, globalOnly, "Key exchanges, best first."},
		{"CASignatureAlgorithms", algorithms(func(s *s) *[]string { return &s.CASignatureAlgorithms }, func(k *Known) Algorithms { return k.CASignatures }, true, "Bad key types '%s'."), "default", false, anywhere, "What certificates may be signed with."},
		{"HostKeyAlgorithms", algorithms(func(s *s) *[]string { return &s.HostKeyAlgorithms }, func(k *Known) Algorithms { return k.HostKeys }, true, "Bad key types '%s'."), "default", false, globalOnly, "Host key algorithms to offer."},
		{"PubkeyAcceptedAlgorithms", algorithms(func(s *s) *[]string { return &s.PubkeyAcceptedAlgorithms }, func(k *Known) Algorithms { return k.Pubkey }, true, "Bad key types '%s'."), "default", false, anywhere, "Signature algorithms that users may log in with."},
		{"LogLevel", logLevel(func(s *s) *LogLevel { return &s.LogLevel }), "INFO", false, anywhere, "How much to log: QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG2, DEBUG3."},
		{"SyslogFacility", facility(func(s *s) *string { return &s.SyslogFacility }), "AUTH", false, globalOnly, "The facility of the system's log."},
		{"AuthorizedKeysFile", authorizedKeysFile(), ".ssh/authorized_keys .ssh/authorized_keys2", false, anywhere, "Files of a user's keys; %h, %u and %U are the home, the user and its number."},
		{"HostKey", hostFile(func(s *s) *[]string { return &s.HostKey }, "too many host keys."), "", true, globalOnly, "A private host key; may be given many times."},
		{"HostCertificate", hostFile(func(s *s) *[]string { return &s.HostCertificate }, "too many host certificates."), "", true, globalOnly, "A certificate of a host key; may be given many times."},
		{"AllowUsers", collect(func(s *s) *[]string { return &s.AllowUsers }, anyWord), "", true, anywhere, "Patterns of the users who may log in; USER@HOST limits where from."},
		{"DenyUsers", collect(func(s *s) *[]string { return &s.DenyUsers }, anyWord), "", true, anywhere, "Patterns of the users who may not log in."},
		{"AllowGroups", collect(func(s *s) *[]string { return &s.AllowGroups }, anyWord), "", true, anywhere, "Patterns of the groups whose members may log in."},
		{"DenyGroups", collect(func(s *s) *[]string { return &s.DenyGroups }, anyWord), "", true, anywhere, "Patterns of the groups whose members may not log in."},
		{"AcceptEnv", collect(func(s *s) *[]string { return &s.AcceptEnv }, envName), "", true, anywhere, "Patterns of the variables that clients may set."},
		{"AuthenticationMethods", authenticationMethods(), "any", false, anywhere, "Lists of methods, each with commas; one list must be completed."},
		{"Subsystem", subsystem(), "", true, anywhere, "A name and the command that serves it, or internal-sftp."},
		{"MaxStartups", maxStartups(), "10:30:100", false, globalOnly, "start:rate:full connections that have not logged in."},
		{"RekeyLimit", rekeyLimit(func(s *s) *RekeyLimit { return &s.RekeyLimit }), "default none", false, anywhere, "How many bytes, and how much time, until new keys are made."},
		{"PermitUserEnvironment", onlyNo(func(s *s) *bool { return &s.permitUserEnv }, "PermitUserEnvironment is not supported: users would set variables before their shell starts. Set it to no."), "no", false, globalOnly, "Must be no."},
	}, forwardingRows(), connectionRows())
}

// serverAliases are old names, and what they are called now.
func serverAliases() [][2]string {
	return [][2]string{
		{"ChallengeResponseAuthentication", "KbdInteractiveAuthentication"},
		{"SKeyAuthentication", "KbdInteractiveAuthentication"},
		{"DSAAuthentication", "PubkeyAuthentication"},
		{"HostDSAKey", "HostKey"},
		{"KeepAlive", "TCPKeepAlive"},
		{"PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms"},
	}
}

func anyWord(string) error { return nil }

// onlyNo is a flag that must not be set.
func onlyNo(field func(*Server) *bool, sentence string) value[Server] {
	v := flag(field)
	read := v.parse
	v.parse = func(to *Server, a *args) error {
		if err := read(to, a); err != nil || !*field(to) {
			return err
		}
		return complain("%s", sentence)
	}
	return v
}

const maxPorts = 256 // as in OpenSSH
