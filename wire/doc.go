// Package wire is the alphabet of the SSH protocol: the data types of RFC 4251,
// section 5, the message numbers, and the size limits that every other room
// keeps.
//
// Encoding is appending: the Append functions add one value to a slice and
// return it, as strconv does. Decoding is a [Reader] that walks a slice and
// remembers the first error, so that a message is read in one breath and
// checked once:
//
//	r := wire.NewReader(payload)
//	channel := r.Uint32()
//	data := r.Bytes()
//	if err := r.End(); err != nil {
//		return err
//	}
//
// Nothing here allocates but what it returns, nothing reflects, and nothing
// knows what a message means: that is for the rooms above (packet seals the
// bytes, transport and mux give them meaning).
package wire
