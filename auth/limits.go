package auth

// Limits of ours, on both sides. Sizes are in bytes.
const (
	maxUser      = 1024
	maxName      = 255   // a service or method name
	maxKeyBlob   = 65536 // a certificate with many principals is the largest
	maxSignature = 16384
	maxPassword  = 1024 // also one answer of keyboard-interactive
	maxBanner    = 65536
	maxPrompts   = 32    // in one INFO_REQUEST
	maxPrompt    = 16384 // each text of an INFO_REQUEST
	maxRounds    = 32    // INFO_REQUESTs of one attempt
)

// Limits of the server.
const (
	// defaultMaxTries is sshd_config's MaxAuthTries.
	defaultMaxTries = 6
	// maxServerRequests caps all requests of one connection, those that
	// MaxTries doesn't count (accepted queries, abandoned conversations)
	// included.
	maxServerRequests = 128
)

// Limits of the client against a server that never ends.
const (
	maxClientRequests = 128
	maxClientMessages = 1024 // banners and rounds included
	maxPartial        = 16
	maxChanges        = 3 // refused new passwords in a row
)
