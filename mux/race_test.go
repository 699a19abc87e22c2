//go:build race

package mux

// allowedAllocs is per 256 MiB, both sides: the race detector makes sync.Pool
// throw a part of what it holds away, so that it is about one a message.
const allowedAllocs = 12000
