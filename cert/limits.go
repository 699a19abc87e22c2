package cert

// Limits of ours. Sizes are in bytes.
const (
	// MaxBlob caps a certificate's encoding: 256 principals of some length fit.
	MaxBlob = 64 * 1024
	// MaxPrincipals caps the names in a certificate, as OpenSSH does.
	MaxPrincipals = 256
	// MaxOptions caps the critical options, and the extensions.
	MaxOptions = 128
	// MaxLine caps a line that holds a certificate.
	MaxLine = 128 * 1024

	// MaxKRL caps a revocation list.
	MaxKRL = 64 * 1024 * 1024
	// maxRanges caps the ranges of serials in a revocation list: a bitmap of
	// few bytes can hold very many.
	maxRanges = 4 * 1024 * 1024
	// maxBitmap caps one bitmap, in bits, as OpenSSH does.
	maxBitmap = 1 << 24
	// maxAuthorities caps the authorities that a revocation list names.
	maxAuthorities = 65536

	// MaxSignature caps an armored signature.
	MaxSignature = 128 * 1024
	// maxNamespace caps a namespace.
	maxNamespace = 1024
)
