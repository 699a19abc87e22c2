package config

// textRows are words, commands and lists of algorithms.
func textRows() []row[Client] {
	type c = Client
	const keyTypes = "Bad key types '%s'."
	return []row[c]{
		{"BindAddress", text(func(c *c) *string { return &c.BindAddress }), "", false, anywhere, "The local address to connect from."},
		{"BindInterface", text(func(c *c) *string { return &c.BindInterface }), "", false, anywhere, "The local interface to connect from."},
		{"Ciphers", algorithms(func(c *c) *[]string { return &c.Ciphers }, func(k *Known) Algorithms { return k.Ciphers }, false, "Bad SSH2 cipher spec '%s'."), "default", false, anywhere, "Ciphers, best first; +, - and ^ change the default list."},
		{"ControlPath", textOrNone(func(c *c) *string { return &c.ControlPath }), "", false, anywhere, "The socket of a shared connection."},
		{"HostKeyAlgorithms", algorithms(func(c *c) *[]string { return &c.HostKeyAlgorithms }, func(k *Known) Algorithms { return k.HostKeys }, true, keyTypes), "default", false, anywhere, "Host key algorithms, best first."},
		{"HostKeyAlias", text(func(c *c) *string { return &c.HostKeyAlias }), "", false, anywhere, "The name to look the host key up by."},
		{"HostbasedAcceptedAlgorithms", algorithms(func(c *c) *[]string { return &c.HostbasedAcceptedAlgorithms }, func(k *Known) Algorithms { return k.Pubkey }, true, keyTypes), "default", false, anywhere, "Signature algorithms for host-based authentication."},
		{"IdentityAgent", agentPath(func(c *c) *string { return &c.IdentityAgent }, func(c *c) string { return c.identityAgent }), "", false, anywhere, "The agent's socket; none for no agent, SSH_AUTH_SOCK or $NAME for a variable's."},
		{"IgnoreUnknown", shownOnly(func(c *c) string { return c.ignored }), "", false, anywhere, "Patterns of unknown keywords that are no error."},
		{"KbdInteractiveDevices", text(func(c *c) *string { return &c.KbdInteractiveDevices }), "", false, anywhere, "Devices of keyboard-interactive to ask the server for, as names with commas."},
		{"KexAlgorithms", algorithms(func(c *c) *[]string { return &c.KexAlgorithms }, func(k *Known) Algorithms { return k.Kex }, false, "Bad SSH2 KexAlgorithms '%s'."), "default", false, anywhere, "Key exchanges, best first."},
		{"CASignatureAlgorithms", algorithms(func(c *c) *[]string { return &c.CASignatureAlgorithms }, func(k *Known) Algorithms { return k.CASignatures }, true, keyTypes), "default", false, anywhere, "What host certificates may be signed with."},
		{"LocalCommand", command(func(c *c) *string { return &c.LocalCommand }), "", false, anywhere, "A command to run here once connected, if PermitLocalCommand says yes."},
		{"RemoteCommand", command(func(c *c) *string { return &c.RemoteCommand }), "", false, anywhere, "The command to run instead of a shell."},
		{"LogLevel", logLevel(func(c *c) *LogLevel { return &c.LogLevel }), "INFO", false, anywhere, "How much to say: QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG2, DEBUG3."},
		{"MACs", algorithms(func(c *c) *[]string { return &c.MACs }, func(k *Known) Algorithms { return k.MACs }, false, "Bad SSH2 MAC spec '%s'."), "default", false, anywhere, "Message authentication codes, best first."},
		{"PKCS11Provider", textOrNone(func(c *c) *string { return &c.PKCS11Provider }), "", false, anywhere, "The library of a token (accepted, not supported)."},
		{"SecurityKeyProvider", textOrNone(func(c *c) *string { return &c.SecurityKeyProvider }), "internal", false, anywhere, "The library that talks to security keys, or internal."},
		{"PreferredAuthentications", text(func(c *c) *string { return &c.PreferredAuthentications }), "", false, anywhere, "The order of authentication methods."},
		{"PubkeyAcceptedAlgorithms", algorithms(func(c *c) *[]string { return &c.PubkeyAcceptedAlgorithms }, func(k *Known) Algorithms { return k.Pubkey }, true, keyTypes), "default", false, anywhere, "Signature algorithms to log in with."},
		{"XAuthLocation", text(func(c *c) *string { return &c.XAuthLocation }), "/usr/bin/xauth", false, anywhere, "The xauth program."},
		{"KnownHostsCommand", command(func(c *c) *string { return &c.KnownHostsCommand }), "", false, anywhere, "A command that prints host keys, besides those of the files."},
		{"Tag", text(func(c *c) *string { return &c.Tag }), "", false, anywhere, "A name that Match tagged can ask for (like -P)."},
		{"VersionAddendum", addendum(), "", false, anywhere, "Text after our version in the first line to the server."},
		{"ProxyURL", textOrNone(func(c *c) *string { return &c.ProxyURL }), "", false, anywhere, "A proxy to go through: http://[user@]host:port, https, socks4, socks4a or socks5 (nacre)."},
	}
}

// forwardRows are the three lists of forwards.
func forwardRows() []row[Client] {
	type c = Client
	return []row[c]{
		{"DynamicForward", forwards(func(c *c) *[]Forward { return &c.DynamicForward }, ForwardDynamic), "", true, anywhere, "[address:]port here where SOCKS clients are taken."},
		{"LocalForward", forwards(func(c *c) *[]Forward { return &c.LocalForward }, ForwardLocal), "", true, anywhere, "[address:]port or socket here, and the host:port or socket it leads to from there."},
		{"RemoteForward", forwards(func(c *c) *[]Forward { return &c.RemoteForward }, ForwardRemote), "", true, anywhere, "[address:]port or socket there, and the host:port or socket it leads to from here; without one, SOCKS."},
	}
}

// listRows are lists of words.
func listRows() []row[Client] {
	type c = Client
	return []row[c]{
		{"IdentityFile", keyFile(func(c *c) *[]string { return &c.IdentityFile }, "identity"),
			"~/.ssh/id_rsa ~/.ssh/id_ecdsa ~/.ssh/id_ecdsa_sk ~/.ssh/id_ed25519 ~/.ssh/id_ed25519_sk", true, anywhere, "A private key to log in with; may be given many times."},
		{"CanonicalDomains", domains(), "", false, anywhere, "Domains to complete names with, in the order to try."},
		{"CertificateFile", keyFile(func(c *c) *[]string { return &c.CertificateFile }, "certificate"), "", true, anywhere, "A certificate for a private key; may be given many times."},
		{"GlobalKnownHostsFile", globalFiles(), systemKnownHosts, false, anywhere, "The system's files of host keys."},
		{"UserKnownHostsFile", words(func(c *c) *[]string { return &c.UserKnownHostsFile }), "~/.ssh/known_hosts ~/.ssh/known_hosts2", false, anywhere, "The user's files of host keys."},
		{"RevokedHostKeys", words(func(c *c) *[]string { return &c.RevokedHostKeys }), "", false, anywhere, "Files of host keys that are never accepted."},
		{"SendEnv", sendEnv(), "", true, anywhere, "Variables to send, as patterns; -NAME takes back."},
		{"SetEnv", setEnv(), "", false, anywhere, "NAME=value variables to send."},
		{"LogVerbose", words(func(c *c) *[]string { return &c.LogVerbose }), "", false, anywhere, "Patterns of places in the program that log everything."},
		{"ChannelTimeout", channelTimeouts(func(c *c) *[]ChannelTimeout { return &c.ChannelTimeout }), "", false, anywhere, "type=time: close channels of a type when idle for that long. Types are patterns of session:shell, session:command, session:subsystem:name, session (any of them), direct-tcpip, direct-streamlocal@openssh.com, forwarded-tcpip, forwarded-streamlocal@openssh.com, agent-connection, x11-connection and tun-connection; global closes all when none was used."},
		{"PermitRemoteOpen", permitOpen(), "", false, anywhere, "host:port that a remote SOCKS forward may open; any or none."},
	}
}

// otherRows are those with a form of their own.
func otherRows() []row[Client] {
	type c = Client
	return []row[c]{
		{"AddKeysToAgent", addKeys(), "no", false, anywhere, "Add loaded keys to the agent: yes, no, ask, confirm, or for how long."},
		{"ForwardAgent", forwardAgent(), "no", false, anywhere, "Let programs there use the agent here: yes, no, a socket or $NAME."},
		{"ConnectTimeout", connectTimeout(), "none", false, anywhere, "How long connecting may take."},
		{"TunnelDevice", one(func(c *c) *TunnelDevice { return &c.TunnelDevice }, ParseTunnelDevice, TunnelDevice.String), "any:any", false, anywhere, "Numbers of the network devices: here[:there], or any for the next free one."},
		{"CanonicalizePermittedCNAMEs", cnameRules(), "", false, anywhere, "names:targets: which names may be replaced by which CNAMEs."},
		{"ControlPersist", controlPersist(), "no", false, anywhere, "Keep a shared connection after its last session: yes, no, or for how long."},
		{"EscapeChar", one(func(c *c) *int { return &c.EscapeChar }, ParseEscape, showEscape), "~", false, anywhere, "The character that begins an escape; none for no escapes."},
		{"IPQoS", ipQoS(func(c *c) *IPQoS { return &c.IPQoS }), "ef cs0", false, anywhere, "Classes of service of packets: for connections with nothing but terminals, and for all others. none leaves packets as they are."},
		{"RekeyLimit", rekeyLimit(func(c *c) *RekeyLimit { return &c.RekeyLimit }), "default none", false, anywhere, "How many bytes, and how much time, until new keys are made."},
		{"StreamLocalBindMask", bindMask(), "0177", false, anywhere, "Mode bits that the file of a socket doesn't get, in octal."},
		{"SyslogFacility", facility(func(c *c) *string { return &c.SyslogFacility }), "USER", false, anywhere, "Where the system log files what -y sends."},
		{"ProxyCommand", proxyCommand(), "", false, anywhere, "A command whose input and output are the connection."},
		{"ProxyJump", proxyJump(), "", false, anywhere, "Hosts to connect through: [user@]host[:port] with commas."},
		{"RefuseConnection", text(func(c *c) *string { return &c.refusal }), "", false, anywhere, "Don't connect, and say this."},
	}
}
