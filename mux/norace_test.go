//go:build !race

package mux

// allowedAllocs is per 256 MiB, both sides.
const allowedAllocs = 1000
