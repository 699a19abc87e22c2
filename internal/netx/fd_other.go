//go:build !unix

package netx

import "errors"

// Windows has no readiness to wait for: overlapped reads and writes go through
// package net with a buffer in hand.
const (
	canReadRaw  = false
	canWriteRaw = false
)

func readFD(uintptr, []byte) (int, error)  { return 0, errors.ErrUnsupported }
func writeFD(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
func wouldBlock(error) bool                { return false }
