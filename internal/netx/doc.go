// Package netx is the edge to the operating system's sockets and pipes, where
// package net asks for more than the engine wants to give: a buffer before there
// is anything to read, a goroutine for a write that would not have blocked.
//
// A [Source] waits until a connection is readable and only then takes a slab; a
// [Sink] writes what fits now and says how much that was. Both fall back to
// plain Read and Write where a connection has no file descriptor (TLS, a pipe in
// memory) or the system has no such call. Linux's sockets are read and written by
// calls of their own, which spare the runtime's bookkeeping.
//
// A [Turn] has who moves data in quantity let others run, those included who wait
// for a descriptor: more often while somebody types ([Typed]).
//
// It does not know packets: transport is the next room on the way in.
package netx
