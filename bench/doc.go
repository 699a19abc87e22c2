// Command bench prints nacre's figures beside its peers' on this machine: one
// table, each row measured in the same run, the runs of the two sides
// interleaved, medians of all. Where a row is a rate, rows of CPU-seconds follow
// it, since other work on the machine disturbs them least.
//
//	go run ./bench            # everything, about eight minutes
//	go run ./bench -run mem   # the figures whose name contains "mem"
//	go run ./bench -quick     # small sizes, few runs: does it work?
//	go run ./bench -same      # OpenSSH beside itself: how noisy is it here?
//	go run ./bench -profile d # nacre writes its profiles to the directory d
//
// A figure is one file and one row of the table in main.go. A [lab] has the keys,
// the files, nacre's binary and the running servers; a [side] is a program that
// can be client or server. Everything listens on loopback.
//
// It needs Linux (it reads /proc) and Debian's openssh-client and openssh-server,
// which scripts/peers.sh installs. It judges and doesn't test: a row that falls
// short says so and the exit status is 0; what could not be measured makes it 1.
package main
