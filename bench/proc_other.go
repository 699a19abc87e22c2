//go:build !linux

package main

import "errors"

// errSystem is for systems whose processes we can't look at.
var errSystem = errors.New("measuring needs Linux")

func processes() ([]proc, error)            { return nil, errSystem }
func proportional(pid int) (float64, error) { return 0, errSystem }
func ownCPU() float64                       { exit(errSystem); return 0 }
func allowFiles(n uint64) error             { return errSystem }
func guardRole(argv []string) error         { return errSystem }
func signalProfile(int)                     {}
