// Package packet is the record layer of RFC 4253, section 6: payloads to sealed
// packets and back, one row of a table for each cipher and each MAC.
//
//	 0         4         5                5+n            5+n+p
//	+---------+---------+----------------+--------------+---------+
//	| length  | padding | payload        | padding      | tag/MAC |
//	| uint32  | length  | n bytes        | p bytes      |         |
//	+---------+---------+----------------+--------------+---------+
//	|<------- Head ---->|                |<------ at most Tail --->|
//
// A payload is built with [Head] bytes before it and [Tail] bytes behind it, and
// is sealed where it lies; a packet from the wire is opened where it lies. A
// [Sealer] and an [Opener] each serve one direction for one key epoch: they own
// the cipher's running state, their caller owns the sequence number.
//
// The package knows neither message numbers nor key exchange: transport, the
// next room, decides when keys change. Compression is here too, as a step
// before sealing, in [Deflater] and [Inflater].
package packet
