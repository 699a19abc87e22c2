//go:build !unix

package netx

import "runtime"

// lookAround lets those run that can.
func lookAround() { runtime.Gosched() }
