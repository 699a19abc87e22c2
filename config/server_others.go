package config

// serverOthers are the keywords that OpenSSH's sshd (and what distributions add
// to it) knows and nacre doesn't support yet. A server that silently does less
// than its file says is a trap, so a value passes only where it asks for what
// happens anyway, or where it could have no effect.
func serverOthers() []other {
	return []other{
		{"AllowAgentForwarding X11Forwarding", "no", "it is not forwarded yet. Set it to no", false},
		{"X11DisplayOffset X11UseLocalhost XAuthLocation", "*", "X11 is not forwarded", false},

		{"HostbasedAuthentication GSSAPIAuthentication KerberosAuthentication GSSAPIKeyExchange", "no", "this way to log in doesn't exist yet. Set it to no", false},
		{"HostbasedUsesNameFromPacketOnly HostbasedAcceptedAlgorithms HostbasedAcceptedKeyTypes IgnoreRhosts IgnoreUserKnownHosts", "*", "there is no host-based authentication", false},
		{"GSSAPICleanupCredentials GSSAPIDelegateCredentials GSSAPIStrictAcceptorCheck GSSAPIStoreCredentialsOnRekey GSSAPIKexAlgorithms", "*", "there is no GSSAPI", false},
		{"KerberosOrLocalPasswd KerberosTicketCleanup KerberosGetAFSToken", "*", "there is no Kerberos", false},
		{"PAMServiceName", "*", "there is no PAM", false},

		{"HostKeyAgent", "none", "the host would prove itself with less than the file says", false},
		{"AuthorizedPrincipalsCommand AuthorizedKeysCommand", "none", "users could not log in the way the file says", false},
		{"AuthorizedKeysCommandUser AuthorizedPrincipalsCommandUser SecurityKeyProvider", "*", "nothing uses it", false},
		{"PubkeyAuthOptions", "none", "keys would not be held to them", false},

		{"ForceCommand ChrootDirectory RDomain", "none", "users would not be confined to it", false},
		{"SetEnv", "", "the variables would not be set", false},
		{"PermitUserRC ExposeAuthInfo RefuseConnection", "no", "it doesn't exist yet. Set it to no", false},
		{"UseDNS", "no", "peers' names are not looked up. Set it to no and use addresses in patterns", false},
		{"PerSourceMaxStartups", "none", "there is no limit by source yet. MaxStartups limits all together", false},
		{"PerSourcePenalties", "no", "there are no penalties yet. Set it to no", false},
		{"PerSourceNetBlockSize PerSourcePenaltyExemptList", "*", "there are no limits by source", false},

		{"FingerprintHash", "sha256", "fingerprints are logged as SHA256", false},
		{"LogVerbose", "none", "LogLevel alone decides what is logged", false},
		{"VersionAddendum DebianBanner SshdSessionPath SshdAuthPath", "*", "it has no effect", false},
		{"ServerKeyBits KeyRegenerationInterval RhostsAuthentication RhostsRSAAuthentication RSAAuthentication CheckMail UseLogin VerifyReverseMapping ReverseMappingCheck AuthorizedKeysFile2 UsePrivilegeSeparation KerberosTgtPassing AFSTokenPassing Protocol", "*", "it is deprecated", false},
	}
}
