// Package edwards has the arithmetic of the curves of EdDSA that the standard
// library keeps to itself: a point's two coordinates from its wire form and
// back (RFC 8032, sections 5.1 and 5.2). PuTTY shows and stores points so. It is
// for public keys alone: nothing here takes the same time for all input.
package edwards
