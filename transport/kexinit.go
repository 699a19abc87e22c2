package transport

import (
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// Pseudo-methods in the key exchange list: markers, never chosen.
const (
	strictClient  = "kex-strict-c-v00@openssh.com" // PROTOCOL, section 1.10
	strictServer  = "kex-strict-s-v00@openssh.com"
	extInfoClient = "ext-info-c" // RFC 8308, section 2.1
	extInfoServer = "ext-info-s"
)

// kexInit is SSH_MSG_KEXINIT (RFC 4253, section 7.1).
type kexInit struct {
	kex, hostKeys           []string
	cipherOut, cipherIn     []string // client to server, server to client
	macOut, macIn           []string
	compressOut, compressIn []string
	languageOut, languageIn []string
	follows                 bool
}

func (k *kexInit) marshal(cookie [16]byte) []byte {
	b := append([]byte{wire.MsgKexInit}, cookie[:]...)
	for _, list := range k.lists() {
		b = wire.AppendNameList(b, *list)
	}
	b = wire.AppendBool(b, k.follows)
	return wire.AppendUint32(b, 0)
}

func parseKexInit(payload []byte) (*kexInit, error) {
	r := wire.NewReader(payload)
	r.Take(1 + 16)
	k := new(kexInit)
	for _, list := range k.lists() {
		*list = r.NameList()
	}
	k.follows = r.Bool()
	r.Uint32() // reserved
	return k, r.End()
}

func (k *kexInit) lists() []*[]string {
	return []*[]string{
		&k.kex, &k.hostKeys, &k.cipherOut, &k.cipherIn, &k.macOut, &k.macIn,
		&k.compressOut, &k.compressIn, &k.languageOut, &k.languageIn,
	}
}

// PeerLists are what a server prefers, remembered for the next connection to it.
type PeerLists struct{ Kex, HostKeys []string }

// Negotiated is the outcome of a key exchange. Out is from here to the peer.
type Negotiated struct {
	Kex, HostKey string
	Out, In      Direction
	Strict       bool
}

// A Direction is what one direction is sealed with. MAC is empty where the
// cipher authenticates.
type Direction struct{ Cipher, MAC, Compression string }

// negotiate chooses after RFC 4253, section 7.1: the client's first that the
// server has as well.
func negotiate(client, server *kexInit) (n Negotiated, toServer, toClient Direction, err error) {
	var failed *NegotiationError
	choose := func(what string, c, s []string) string {
		for _, name := range c {
			if slices.Contains(s, name) && !isMarker(name) {
				return name
			}
		}
		missing := &NegotiationError{What: what, Ours: c, Theirs: s}
		if failed == nil {
			failed = missing
		} else {
			failed.More = append(failed.More, missing)
		}
		return ""
	}
	mac := func(cipher string, c, s []string) string {
		if packet.Authenticates(cipher) {
			return ""
		}
		return choose("MAC", c, s)
	}
	n.Kex = choose("key exchange method", client.kex, server.kex)
	n.HostKey = choose("host key type", client.hostKeys, server.hostKeys)
	toServer.Cipher = choose("cipher", client.cipherOut, server.cipherOut)
	toClient.Cipher = choose("cipher", client.cipherIn, server.cipherIn)
	toServer.MAC = mac(toServer.Cipher, client.macOut, server.macOut)
	toClient.MAC = mac(toClient.Cipher, client.macIn, server.macIn)
	toServer.Compression = choose("compression", client.compressOut, server.compressOut)
	toClient.Compression = choose("compression", client.compressIn, server.compressIn)
	if failed != nil {
		return n, toServer, toClient, failed
	}
	return n, toServer, toClient, nil
}

func isMarker(name string) bool {
	switch name {
	case strictClient, strictServer, extInfoClient, extInfoServer:
		return true
	}
	return false
}

// guessRight tells whether a first key-exchange packet that was sent before the
// other side's lists were known is of use (RFC 4253, section 7).
func guessRight(a, b *kexInit) bool {
	return len(a.kex) > 0 && len(b.kex) > 0 && a.kex[0] == b.kex[0] &&
		len(a.hostKeys) > 0 && len(b.hostKeys) > 0 && a.hostKeys[0] == b.hostKeys[0]
}

// guess tells which key exchange and host key algorithm a client can take for
// granted with a server that sent lists the last time: only where the choice by
// the rules is what the server puts first, since then both sides agree that the
// guess is right.
func (a Algorithms) guess(lists *PeerLists) (method, hostKey string, ok bool) {
	if lists == nil || len(lists.Kex) == 0 || len(lists.HostKeys) == 0 {
		return "", "", false
	}
	method, hostKey = lists.Kex[0], lists.HostKeys[0]
	return method, hostKey, first(a.Kex, lists.Kex) == method && first(a.HostKeys, lists.HostKeys) == hostKey
}

// first returns the first of ours that is among theirs.
func first(ours, theirs []string) string {
	for _, name := range ours {
		if slices.Contains(theirs, name) && !isMarker(name) {
			return name
		}
	}
	return ""
}

// toFront returns list with name first.
func toFront(list []string, name string) []string {
	out := []string{name}
	for _, other := range list {
		if other != name {
			out = append(out, other)
		}
	}
	return out
}

func join(names []string) string { return strings.Join(names, ",") }
