package keys

import "context"

// noToken refuses -D: PKCS#11 libraries are code of somebody else's, loaded
// into the process that holds the keys.
func (k *keygen) noToken(context.Context) int {
	return k.fail("PKCS#11 tokens are not supported here; print their keys with OpenSSH's ssh-keygen -D")
}

// noSecurityKey refuses -K.
func (k *keygen) noSecurityKey(context.Context) int {
	return k.fail("Downloading keys of a security key is not supported here; use OpenSSH's ssh-keygen -K")
}
