package keyfile

// Limits of ours.
const (
	// MaxFile caps a private key file in bytes, as OpenSSH's
	// MAX_KEY_FILE_SIZE.
	MaxFile = 1 << 20
	// MaxRounds caps the rounds that an encrypted file may ask of the key
	// derivation: about a minute of work. OpenSSH writes 16 or 24 unless it is
	// told otherwise.
	MaxRounds = 10_000
	// DefaultRounds is what is written.
	DefaultRounds = 24
	// MaxPBKDF2Rounds caps the iterations that an encrypted PKCS#8 file may
	// ask for: some seconds of work. OpenSSL writes 2048.
	MaxPBKDF2Rounds = 5_000_000
	// MaxLine caps a line of authorized_keys in bytes.
	MaxLine = 64 * 1024

	// maxSalt caps the salt of the key derivation in bytes. OpenSSH writes 16.
	maxSalt = 1024
	// maxDER caps a PEM block: an RSA key of 16384 bits takes 9.2 KiB, and
	// the standard library checks a key's arithmetic before its size can be
	// seen.
	maxDER = 12 * 1024
	// writtenPBKDF2Rounds is what is written: a tenth of a second.
	writtenPBKDF2Rounds = 210_000
	// maxBlocks caps the PEM blocks looked through for a private key.
	maxBlocks = 4
)
