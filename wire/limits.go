package wire

// Limits that the specification sets.
const (
	// MinPacket is the smallest packet an implementation must take, in bytes
	// with its length field and MAC (RFC 4253, section 6.1).
	MinPacket = 35000
	// MaxVersion is the longest identification line, CR LF included
	// (RFC 4253, section 4.2).
	MaxVersion = 255
)

// Limits of ours.
const (
	// MaxPacket is the largest packet_length that is read, in bytes. OpenSSH
	// takes 256 KiB; a payload of 256 KiB plus framing must fit.
	MaxPacket = 256*1024 + 1024
	// MaxPayload is the largest payload that is sent or taken, in bytes.
	MaxPayload = MaxPacket - 512
	// MaxMpintBits caps an integer from outside.
	MaxMpintBits = 16384
	// MaxNames caps the names in one name-list.
	MaxNames = 256
	// MaxAlgorithmName is the longest algorithm name (RFC 4251, section 6).
	MaxAlgorithmName = 64
)
