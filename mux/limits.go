package mux

import "time"

// Limits of ours.
const (
	// DefaultMaxChannels is how many channels one connection may have open.
	DefaultMaxChannels = 1024
	// maxQueuedRequests is how many requests of the peer may wait for one
	// handler.
	maxQueuedRequests = 128
	// maxQueuedBytes is how many bytes of requests may wait for their handlers
	// on all channels of a connection together; requestCost is what each
	// counts beside its payload.
	maxQueuedBytes = 1 << 20
	requestCost    = 256
	// maxOpen is the longest message that opens a channel, in bytes: up to
	// MaxChannels of them may wait for an answer.
	maxOpen = 16 << 10
	// maxPendingReplies is how many of our own requests may wait for their
	// answer on one channel.
	maxPendingReplies = 1024

	// windowBudget is how much all windows of the process may grow together.
	windowBudget = 1 << 30
	// growWithin is how long a window of unknown round trip may last and still
	// be doubled.
	growWithin = 50 * time.Millisecond

	// nearPath is the longest round trip of a path on which little under way keeps
	// the peer busy: more would only wait in queues, before what is typed.
	nearPath = 2 * time.Millisecond
	// besideRate is what bulk data beside a terminal reaches on any such path, in
	// bytes a second: more than two gigabits.
	besideRate = 256 << 20
	// stallTime is how long a peer nearby may give nothing back before more of its
	// window is used.
	stallTime = time.Second
	// measureEvery is the least time between two measurements of a round trip that
	// seems to be longer.
	measureEvery = time.Second
	// settleRounds is how many are made before data flows, at most.
	settleRounds = 3

	// holdShare is the part of a slab that data must fill to be queued in
	// place; smaller pieces are copied out so that they don't pin it.
	holdShare = 2
	// coalesce is the size of the buffers that small pieces are copied into.
	coalesce = 4 << 10

	// headRoom is what a data message has before its bytes: number, channel,
	// extended type, length.
	headData     = 1 + 4 + 4
	headExtended = 1 + 4 + 4 + 4
	// smallData is the most data, in bytes, that is copied once more so that
	// it needs no slab of its own.
	smallData = 4 << 10
)

// bounds are where writers wait for the peer. Tests set them to 1, so that
// whatever could go wrong at a bound does so often.
var bounds = struct {
	bulk, near, interactive uint32 // receive windows at the start, in bytes; near: of bulk from a peer nearby
	beside                  uint32 // the least that bulk has under way beside a terminal, from a peer nearby
	chunk                   int    // the most data in one packet: with its framing it fits a small slab
	burst                   int    // about how much of one source leaves at once
}{bulk: 2 << 20, near: 512 << 10, interactive: 256 << 10, beside: 128 << 10, chunk: 65280, burst: 256 << 10}
