package putty

// Limits of ours; PuTTY has none.
const (
	// MaxFile caps a file that is read as a whole: a session, a .reg file.
	MaxFile = 16 << 20
	// MaxLine caps a line of the host-key cache in bytes; a longer one is
	// passed over, and kept.
	MaxLine = 64 << 10
	// MaxSettings caps the settings of one record, and the keys of a .reg file.
	MaxSettings = 100_000
	// MaxExpression caps a validity expression in bytes.
	MaxExpression = 64 << 10

	// maxDepth caps how deep the parentheses of an expression go.
	maxDepth = 100
	// maxHost caps a host's name in bytes.
	maxHost = 1024
	// maxDigits is a number of 16384 bits in hexadecimal.
	maxDigits = 4096
)
