// Package kex holds the key exchange methods of SSH as pure steps: messages in,
// messages out, a shared secret and an exchange hash at the end. It does no I/O,
// starts no goroutine, knows no packets and looks into no host key.
//
// The nouns:
//
//   - an [Exchange] is one side of one run of one method. [NewClient] and
//     [NewServer] make it from the method's name; it starts before the peer's
//     KEXINIT is known, so that a guessed first packet can leave early.
//   - [Params] are the facts that the exchange hash covers. They are handed to
//     each step, because only then does the caller have them all.
//   - a [Result] is what both sides end with: the hash H, the secret K, and the
//     keys derived from them ([Result.Key]).
//   - [Moduli] chooses the group for diffie-hellman-group-exchange.
//
// A client's run, where recv and send stand for the transport:
//
//	x, err := kex.NewClient("mlkem768x25519-sha256", nil)
//	first, err := x.Start()
//	send(first)
//	for {
//		out, done, err := x.Step(&params, recv())
//		if done != nil {
//			// verify done.Signature over done.H with done.HostKey, then
//			// send NEWKEYS and derive: done.Key('A', sessionID, 12)
//		}
//		send(out)
//	}
//
// What it does not do: negotiate (transport compares the two KEXINITs), drop a
// wrongly guessed packet (transport), sign or verify H (the caller signs
// [Result.H] and sends [Result.Reply]; the client's caller checks the signature
// before it believes anything), or run slow maths elsewhere ([Slow] says which
// methods deserve it).
//
// One file holds one family; methods.go is the table of all. Below this room is
// wire, above it transport.
package kex
