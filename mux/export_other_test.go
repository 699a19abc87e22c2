//go:build !unix

package mux

func beHeir() {}
