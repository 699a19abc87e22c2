// Package hostile is an SSH peer that breaks the rules, and the suite that holds
// nacre's engine against it.
//
// A [Peer] speaks either role over any net.Conn. It takes each step of a
// connection by itself, when the test says so, and leaves out, repeats or alters
// whatever the test wants: every message, every packet and every byte can be
// chosen. It is made of wire, packet, kex and key alone, so that the tests of
// transport and mux can use it as well.
//
//	p := &hostile.Peer{Conn: nc, Server: true, Signer: hostKey}
//	err := p.Handshake()               // or Hello, SendInit, ReadInit, Agree, …
//	err = p.Send([]byte{wire.MsgPing}) // a message
//	err = p.Raw(p.Packet(payload)[:9]) // a piece of a packet
//
// It trusts every host key, checks no signature and limits nothing: it is of no
// use as a peer for people. Only tests import it.
package hostile
