package config

// clientOthers are keywords without a place in Client: old ones of OpenSSH,
// which accepts them without effect.
func clientOthers() []other {
	return []other{
		{"Cipher FallBackToRsh GlobalKnownHostsFile2 Protocol RhostsAuthentication UserKnownHostsFile2 UseRoaming UseRsh UsePrivilegedPort", "*", "it is deprecated", false},
		{"AFSTokenPassing KerberosAuthentication KerberosTGTPassing RSAAuthentication RhostsRSAAuthentication CompressionLevel", "*", "it is unsupported", false},
	}
}

// clientPending are keywords that are read, but whose behaviour isn't there yet:
// whoever builds it removes the row. Where ignoring one would connect elsewhere
// or trust more than the file says, other values than the accepted ones are
// refused; the rest ("*") is noted.
func clientPending() []other { return nil }

// clientNever are keywords that are read and stay without effect here.
func clientNever() []other {
	return []other{
		{"PKCS11Provider", "none *", "nacre has no PKCS#11: keys of a token are not offered. An ssh-agent that holds them (ssh-add -s) works", true},
		{"SecurityKeyProvider", "internal *", "nacre doesn't sign with security keys itself. An ssh-agent that holds them works", false},
		{"XAuthLocation", "*", "the file of X cookies is read without xauth", false},
		{"GSSAPIAuthentication GSSAPIDelegateCredentials GSSAPIKeyExchange", "no false *", "nacre has no GSSAPI: Kerberos is not tried", false},
		{"LogVerbose", "none *", "its patterns name OpenSSH's own source files. LogLevel alone decides what is said", false},
		{"GSSAPITrustDNS GSSAPIRenewalForcesRekey GSSAPIKexAlgorithms GSSAPIClientIdentity GSSAPIServerIdentity", "*", "nacre has no GSSAPI", false},
	}
}
