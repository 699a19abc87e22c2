// Package argon2d is the password hash Argon2d of RFC 9106, version 0x13, which
// x/crypto lacks (it has Argon2i and Argon2id). PuTTY's key files may ask for
// it.
//
// Its only function is [Key]. The memory is a matrix of blocks of 1 KiB, one
// row a lane; a block is made of the one before it and of one that the former's
// first word points at:
//
//	lane 0  | slice 0 | slice 1 | slice 2 | slice 3 |   ◄ × passes
//	lane 1  | slice 0 | slice 1 | slice 2 | slice 3 |
//	        └ lanes are filled at once, and meet at each slice's end
//
// It has no cap on what it may be asked for beyond RFC 9106's own: who reads
// the numbers from a file decides that, and must. No room is before it;
// keyfile is after it.
package argon2d
