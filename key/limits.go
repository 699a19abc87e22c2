package key

// Limits of ours.
const (
	// MinRSABits is the shortest modulus that is taken, OpenSSH's
	// RequiredRSASize.
	MinRSABits = 1024
	// MaxRSABits is the longest, OpenSSH's SSHBUF_MAX_BIGNUM.
	MaxRSABits = 16384
	// DefaultRSABits is what [Generate] makes when it isn't told.
	DefaultRSABits = 3072
	// MinDSABits and MaxDSABits bound a DSA key's prime. OpenSSH makes 1024
	// bits only, PuTTY whatever it is asked for.
	MinDSABits = 1024
	MaxDSABits = 8192
	// MaxBlob caps a public key's encoding in bytes: an RSA key of MaxRSABits
	// fits, and so does a security key with a long application.
	MaxBlob = 8 * 1024
)
