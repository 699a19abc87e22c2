// Package interop is the matrix: nacre's binary against every peer that
// internal/testpeer drives, each of them as client against nacre sshd and, where
// it has one, as server against nacre ssh.
//
// In each role a peer logs in, runs a command with an exit status, sends 64 MiB
// through stdin and back with new keys in mid-transfer (asked for by nacre, then
// by the peer), and then 1 MiB with every key exchange, cipher, MAC and host key
// that both sides know. What a peer knows is read from its own KEXINIT.
//
// Besides, the programs that start ssh by themselves (git, rsync, scp, ansible,
// mosh and others) do their work with nacre as their ssh, towards OpenSSH's
// server and nacre's.
//
// It holds tests alone. To tell a fault of the engine from one of a peer or of
// the harness, put the installed OpenSSH in nacre's place:
//
//	go test ./internal/interop -subject openssh
package interop
