package config

import (
	"slices"
	"time"
)

// clientTable is ssh_config: a row a keyword, in the order of ssh -G. It is
// made when it is asked for, so that a program that reads no configuration pays
// nothing for it.
func clientTable() []row[Client] {
	return slices.Concat(destinationRows(), flagRows(), numberRows(), textRows(), forwardRows(), listRows(), otherRows())
}

// clientAliases are old names, and what they are called now.
func clientAliases() [][2]string {
	return [][2]string{
		{"ChallengeResponseAuthentication", "KbdInteractiveAuthentication"},
		{"SKeyAuthentication", "KbdInteractiveAuthentication"},
		{"TISAuthentication", "KbdInteractiveAuthentication"},
		{"DSAAuthentication", "PubkeyAuthentication"},
		{"IdentityFile2", "IdentityFile"},
		{"KeepAlive", "TCPKeepAlive"},
		{"PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms"},
		{"HostbasedKeyTypes", "HostbasedAcceptedAlgorithms"},
		{"SmartcardDevice", "PKCS11Provider"},
	}
}

// destinationRows come first in the dump: where to go, and as whom.
func destinationRows() []row[Client] {
	type c = Client
	return []row[c]{
		{"Host", shownOnly(func(c *c) string { return c.Host }), "", false, anywhere, "Begins a block for the hosts that match its patterns."},
		{"Match", shownOnly(func(*c) string { return "" }), "", false, anywhere, "Begins a block for the connections that meet all its conditions: host, originalhost, user, localuser, localnetwork, exec, tagged, sessiontype, command, version, canonical, final or all."},
		{"Include", shownOnly(func(*c) string { return "" }), "", false, anywhere, "Reads other files as if they stood here; patterns, tokens and variables are expanded."},
		{"User", text(func(c *c) *string { return &c.User }), "", false, anywhere, "The user to log in as."},
		{"HostName", text(func(c *c) *string { return &c.HostName }), "", false, anywhere, "The real name or address to connect to; %h is the name as typed."},
		{"Port", portValue(func(c *c) *int { return &c.Port }), "22", false, anywhere, "The port on the remote host."},
	}
}

// yesNo are the words of a flag that the dump shows as true and false.
func yesNo(more ...string) []string {
	return append([]string{"true", "yes", "false", "no", "yes", "yes", "no", "no"}, more...)
}

// flagRows are flags and choices.
func flagRows() []row[Client] {
	type c = Client
	return []row[c]{
		{"AddressFamily", choice(func(c *c) *string { return &c.AddressFamily }, "any", "any", "inet", "inet", "inet6", "inet6"), "any", false, anywhere, "Which addresses to connect to: any, inet or inet6."},
		{"BatchMode", flag(func(c *c) *bool { return &c.BatchMode }), "no", false, anywhere, "Never ask: no passwords, no passphrases, no host-key questions."},
		{"CanonicalizeFallbackLocal", flag(func(c *c) *bool { return &c.CanonicalizeFallbackLocal }), "yes", false, anywhere, "Look a name up as it is when no canonical one is found."},
		{"CanonicalizeHostname", choice(func(c *c) *string { return &c.CanonicalizeHostname }, yesNo("always", "always")...), "no", false, anywhere, "Complete host names by CanonicalDomains, then read the files again: no, yes, or always (through proxies too)."},
		{"CheckHostIP", flag(func(c *c) *bool { return &c.CheckHostIP }), "no", false, anywhere, "Check the address against known_hosts as well."},
		{"Compression", choiceFlag(func(c *c) *bool { return &c.Compression }), "no", false, anywhere, "Compress what is sent and received."},
		{"ControlMaster", choice(func(c *c) *string { return &c.ControlMaster },
			"true", "yes", "yes", "yes", "false", "no", "no", "no", "auto", "auto", "ask", "ask", "autoask", "autoask"), "no", false, anywhere, "Share this connection with later ones: no, yes, ask, auto or autoask."},
		{"EnableSSHKeysign", flag(func(c *c) *bool { return &c.EnableSSHKeysign }), "no", false, anywhere, "Let the helper ssh-keysign sign for host-based authentication. It counts in the system's file alone, outside of Host and Match."},
		{"ClearAllForwardings", flag(func(c *c) *bool { return &c.ClearAllForwardings }), "", false, anywhere, "Forget the forwards that files and options ask for."},
		{"ExitOnForwardFailure", flag(func(c *c) *bool { return &c.ExitOnForwardFailure }), "", false, anywhere, "End the connection when a forward can't be set up."},
		{"FingerprintHash", one(func(c *c) *string { return &c.FingerprintHash }, parseHash, func(s string) string { return s }), "SHA256", false, anywhere, "The hash that fingerprints are shown with."},
		{"ForwardX11", flag(func(c *c) *bool { return &c.ForwardX11 }), "no", false, anywhere, "Let programs there open windows here."},
		{"ForwardX11Trusted", flag(func(c *c) *bool { return &c.ForwardX11Trusted }), "no", false, anywhere, "Give those programs full access to the display."},
		{"GatewayPorts", flag(func(c *c) *bool { return &c.GatewayPorts }), "no", false, anywhere, "Let other machines connect to forwarded ports."},
		{"GSSAPIAuthentication", flag(func(c *c) *bool { return &c.GSSAPIAuthentication }), "no", false, anywhere, "Log in with Kerberos (accepted, not supported)."},
		{"GSSAPIKeyExchange", flag(func(c *c) *bool { return &c.gssapi.keyExchange }), "no", false, anywhere, "Exchange keys with Kerberos (accepted, not supported)."},
		{"GSSAPIDelegateCredentials", flag(func(c *c) *bool { return &c.GSSAPIDelegateCredentials }), "no", false, anywhere, "Pass Kerberos credentials on (accepted, not supported)."},
		{"GSSAPITrustDNS", flag(func(c *c) *bool { return &c.gssapi.trustDNS }), "no", false, anywhere, "Complete names for Kerberos by the DNS (accepted, not supported)."},
		{"GSSAPIRenewalForcesRekey", flag(func(c *c) *bool { return &c.gssapi.renewalForcesRekey }), "no", false, anywhere, "New Kerberos credentials exchange keys (accepted, not supported)."},
		{"GSSAPIClientIdentity", text(func(c *c) *string { return &c.gssapi.clientIdentity }), "", false, anywhere, "The Kerberos principal of the user (accepted, not supported)."},
		{"GSSAPIServerIdentity", text(func(c *c) *string { return &c.gssapi.serverIdent }), "", false, anywhere, "The Kerberos principal of the host (accepted, not supported)."},
		{"GSSAPIKexAlgorithms", text(func(c *c) *string { return &c.gssapi.kexAlgorithms }), "", false, anywhere, "Key exchanges with Kerberos (accepted, not supported)."},
		{"HashKnownHosts", flag(func(c *c) *bool { return &c.HashKnownHosts }), "no", false, anywhere, "Hide host names that are added to known_hosts."},
		{"HostbasedAuthentication", flag(func(c *c) *bool { return &c.HostbasedAuthentication }), "no", false, anywhere, "Try host-based authentication: this machine vouches for its user with its host key, which the helper ssh-keysign signs with."},
		{"IdentitiesOnly", flag(func(c *c) *bool { return &c.IdentitiesOnly }), "no", false, anywhere, "Offer the configured identities only, even if the agent has more."},
		{"KbdInteractiveAuthentication", flag(func(c *c) *bool { return &c.KbdInteractiveAuthentication }), "yes", false, anywhere, "Answer the server's questions."},
		{"NoHostAuthenticationForLocalhost", flag(func(c *c) *bool { return &c.NoHostAuthenticationForLocalhost }), "no", false, anywhere, "Don't check the host key of a loopback address."},
		{"PasswordAuthentication", flag(func(c *c) *bool { return &c.PasswordAuthentication }), "yes", false, anywhere, "Log in with a password."},
		{"PermitLocalCommand", flag(func(c *c) *bool { return &c.PermitLocalCommand }), "no", false, anywhere, "Let LocalCommand run."},
		{"ProxyUseFdpass", flag(func(c *c) *bool { return &c.ProxyUseFdpass }), "no", false, anywhere, "ProxyCommand passes a connected socket back instead of carrying the bytes."},
		{"PubkeyAuthentication", choice(func(c *c) *string { return &c.PubkeyAuthentication }, yesNo("unbound", "unbound", "host-bound", "host-bound")...), "yes", false, anywhere, "Log in with a key: yes, no, unbound or host-bound."},
		{"RequestTTY", choice(func(c *c) *RequestTTY { return &c.RequestTTY }, yesNo("force", "force", "auto", "auto")...), "auto", false, anywhere, "Ask for a terminal: no, yes, force or auto."},
		{"SessionType", choice(func(c *c) *string { return &c.SessionType }, "none", "none", "subsystem", "subsystem", "default", "default"), "default", false, anywhere, "What to open: default, none (like -N) or subsystem (like -s)."},
		{"StdinNull", flag(func(c *c) *bool { return &c.StdinNull }), "no", false, anywhere, "Read nothing from standard input (like -n)."},
		{"ForkAfterAuthentication", flag(func(c *c) *bool { return &c.ForkAfterAuthentication }), "no", false, anywhere, "Go to the background once logged in (like -f)."},
		{"StreamLocalBindUnlink", flag(func(c *c) *bool { return &c.StreamLocalBindUnlink }), "no", false, anywhere, "Remove a socket's file before the socket is made."},
		{"StrictHostKeyChecking", choice(func(c *c) *StrictHostKeyChecking { return &c.StrictHostKeyChecking },
			yesNo("off", "no", "ask", "ask", "accept-new", "accept-new")...), "ask", false, anywhere, "What to do with an unknown host key: yes, accept-new, ask or no."},
		{"TCPKeepAlive", flag(func(c *c) *bool { return &c.TCPKeepAlive }), "yes", false, anywhere, "Let the system notice a dead connection."},
		{"Tunnel", choice(func(c *c) *string { return &c.Tunnel },
			"ethernet", "ethernet", "point-to-point", "point-to-point", "true", "point-to-point", "yes", "point-to-point", "false", "no", "no", "no"), "no", false, anywhere, "Connect a network device here with one there: no, yes, point-to-point or ethernet."},
		{"VerifyHostKeyDNS", choice(func(c *c) *string { return &c.VerifyHostKeyDNS }, yesNo("ask", "ask")...), "no", false, anywhere, "Look host keys up in the DNS (SSHFP records): no; yes, which takes a key unasked that DNSSEC vouches for, where resolv.conf has options trust-ad; or ask, which only says what was found."},
		{"VisualHostKey", flag(func(c *c) *bool { return &c.VisualHostKey }), "no", false, anywhere, "Draw a picture of the host key."},
		{"UpdateHostKeys", choice(func(c *c) *string { return &c.UpdateHostKeys }, yesNo("ask", "ask")...), "", false, anywhere, "Learn the server's other host keys once it has proved them: yes unless UserKnownHostsFile or VerifyHostKeyDNS is set, no or ask."},
		{"EnableEscapeCommandline", flag(func(c *c) *bool { return &c.EnableEscapeCommandline }), "yes", false, anywhere, "Offer the ~C command line. It is yes here, where OpenSSH has no."},
		{"WarnWeakCrypto", choiceOf(func(c *c) *bool { return &c.WarnWeakCrypto }, map[string]bool{"true": true, "yes": true, "false": false, "no": false, "no-pq-kex": false}), "yes", false, anywhere, "Say a word when the key exchange doesn't withstand quantum computers."},
		{"RequireStrictKex", flag(func(c *c) *bool { return &c.RequireStrictKex }), "no", false, anywhere, "Refuse a server without strict key exchange (nacre)."},
	}
}

// numberRows are numbers and times.
func numberRows() []row[Client] {
	type c = Client
	return []row[c]{
		{"CanonicalizeMaxDots", number(func(c *c) *int { return &c.CanonicalizeMaxDots }, 0), "1", false, anywhere, "How many dots a name may have to be completed."},
		{"ConnectionAttempts", number(func(c *c) *int { return &c.ConnectionAttempts }, 1), "1", false, anywhere, "How often to try, once a second."},
		{"ForwardX11Timeout", seconds(func(c *c) *time.Duration { return &c.ForwardX11Timeout }, "0"), "1200", false, anywhere, "How long an untrusted display takes new clients; 0 for always."},
		{"NumberOfPasswordPrompts", number(func(c *c) *int { return &c.NumberOfPasswordPrompts }, 0), "3", false, anywhere, "How often to ask for a password."},
		{"ServerAliveCountMax", number(func(c *c) *int { return &c.ServerAliveCountMax }, 0), "3", false, anywhere, "How many unanswered keepalives end the connection."},
		{"ServerAliveInterval", seconds(func(c *c) *time.Duration { return &c.ServerAliveInterval }, "0"), "0", false, anywhere, "How long to hear nothing before a keepalive is sent."},
		{"RequiredRSASize", number(func(c *c) *int { return &c.RequiredRSASize }, 0), "1024", false, anywhere, "The smallest RSA key to accept, in bits."},
		{"ObscureKeystrokeTiming", keystrokes(), "yes", false, anywhere, "Send keystrokes at fixed times and false ones afterwards, so that their rhythm tells nothing: yes, no or interval:milliseconds. It takes a server that answers pings (OpenSSH 9.5 or nacre), and rests while more than terminals is open."},
	}
}
