// Package inflate is the compression of SSH: one zlib stream per direction, of
// which each packet holds a piece (RFC 4253, section 6.2; zlib@openssh.com).
//
// A [Reader] expands. A packet ends with a flush, after which everything that
// went into it must come out; but Z_PARTIAL_FLUSH, which OpenSSH uses, ends in
// the middle of a byte and of a block, and compress/flate waits there for more.
// So this is a DEFLATE decoder of its own (RFC 1951) that stops wherever its
// input does, and goes on from there with the next packet:
//
//	payload ─► bits ─► block header ─► code lengths ─► symbols ─► payload
//	            ▲                                         │
//	            └ up to 63 bits, tables and ◄─────────────┘
//	              32 KiB are kept for the next packet
//
// A [Writer] compresses; it is compress/zlib with a flush after each packet.
//
// Neither knows what a packet is, nor when compression starts: that is package
// packet, the room after it. No room is before it.
package inflate
