// Package chacha is the cipher chacha20-poly1305@openssh.com: ChaCha20 and
// Poly1305 put together as in OpenSSH's PROTOCOL.chacha20poly1305, which is not
// the AEAD of RFC 8439.
//
//	| length, 4 | padding length, payload, padding | tag, 16 |
//	  K_1, blk 0   K_2, blocks 1…                    over all bytes before it,
//	                                                 key: K_2, block 0
//
// Its only type is [Cipher], one per direction. It seals and opens in place and
// allocates nothing. The blocks 1… are made with the assembly of
// x/crypto/chacha20poly1305 where that is faster than any bare ChaCha20 to be
// had: the key stream is the same, and its tag is thrown away.
//
// It does not look into packets, count them, or choose their padding: that is
// package packet, the room after it. No room is before it.
package chacha
