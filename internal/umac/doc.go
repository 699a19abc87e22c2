// Package umac is the message authentication code UMAC of RFC 4418 with tags of
// 64 and 128 bits, as OpenSSH uses it: umac-64@openssh.com,
// umac-128@openssh.com and their -etm forms, with the packet's sequence number
// as an eight-byte nonce in network order.
//
// Its only type is [MAC], one per direction:
//
//	m, err := umac.New64(key)
//	packet = m.Sum(packet, nonce, packet)
//
// A message goes through four stages, once for every 32 bits of the tag:
//
//	message ─NH─► 8 bytes per KiB ─polynomial─► 16 bytes ─inner product─► 4 bytes ─xor─► tag
//	                                 (only if more than one KiB)          AES(nonce) ┘
//
// It doesn't count packets and doesn't compare tags: that is package packet, the
// room after it. No room is before it.
package umac
