// Command bench prints nacre's figures beside its peers' on this machine: one
// table, each row measured in the same run, the runs of the two sides
// interleaved, medians of all. Times are CPU-seconds where that is possible,
// since other work on the machine disturbs them least.
//
//	go run ./bench            # everything
//	go run ./bench -run mem   # the rows whose name contains "mem"
//
// It needs Debian's openssh-client and openssh-server beside it, as make bench
// installs them, and starts everything on loopback.
package main
