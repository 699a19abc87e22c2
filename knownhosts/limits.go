package knownhosts

// Limits of ours.
const (
	// MaxLine caps a line in bytes; a longer one is passed over, and kept by
	// [Remove].
	MaxLine = 64 * 1024
	// MaxEntries caps the entries that one question gives out.
	MaxEntries = 256

	// maxPattern caps one pattern with wildcards, as in OpenSSH.
	maxPattern = 1024
	// maxName caps a host's name: RFC 1035's 255 bytes, brackets, port and
	// some room.
	maxName = 1024
	// defaultPort is the one that is not written.
	defaultPort = 22
)
