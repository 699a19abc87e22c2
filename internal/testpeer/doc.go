// Package testpeer drives other SSH programs, and nacre's own, for tests and
// for the bench.
//
// Its nouns: a [Client] runs one command at a [Target] in a [Session]; a
// [Server] starts listening with [ServerOptions] and says where. Behind them
// are OpenSSH, Dropbear, PuTTY, Paramiko, AsyncSSH, golang.org/x/crypto/ssh and
// nacre. A [Key] is a key pair in every peer's file format. [Offer] reads what
// a peer would negotiate from its own KEXINIT. A [Pipe] is a TCP proxy that
// makes a path long. A [Wine] runs a package's tests as a Windows program.
//
// Everything listens on 127.0.0.1 at a port that was free a moment ago, keeps
// its files in a temporary directory, and is killed by process id when the test
// ends. What a program printed is shown when its test failed.
//
// It does not decide what to test (internal/interop does) and is never part of
// the product: only tests and the bench import it.
package testpeer
