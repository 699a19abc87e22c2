package hostile

import (
	"fmt"
	"slices"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/wire"
)

// An Offer is the content of a KEXINIT, the same in both directions. The zero
// value is quick and modern.
type Offer struct {
	Kex, HostKeys, Ciphers, MACs, Compression []string
	// NoMarkers leaves the pseudo-methods out: no strict key exchange, no
	// extension info.
	NoMarkers bool
	// Follows says that a guessed packet follows.
	Follows bool
}

// Payload makes the KEXINIT. first is the first one of a connection, which has
// the markers of the role.
func (o Offer) Payload(server, first bool) []byte {
	fill := func(list *[]string, names ...string) {
		if *list == nil {
			*list = names
		}
	}
	fill(&o.Kex, "curve25519-sha256")
	fill(&o.HostKeys, key.TypeEd25519)
	fill(&o.Ciphers, "aes128-gcm@openssh.com")
	fill(&o.MACs, "hmac-sha2-256")
	fill(&o.Compression, packet.CompressNone)
	switch {
	case o.NoMarkers || !first:
	case server:
		o.Kex = append(slices.Clone(o.Kex), StrictServer, ExtInfoServer)
	default:
		o.Kex = append(slices.Clone(o.Kex), StrictClient, ExtInfoClient)
	}
	b := append([]byte{wire.MsgKexInit}, make([]byte, 16)...)
	for _, list := range [][]string{o.Kex, o.HostKeys, o.Ciphers, o.Ciphers, o.MACs, o.MACs, o.Compression, o.Compression, nil, nil} {
		b = wire.AppendNameList(b, list)
	}
	return wire.AppendUint32(wire.AppendBool(b, o.Follows), 0)
}

// ParseOffer reads a KEXINIT; of the directions it keeps client to server.
func ParseOffer(payload []byte) (Offer, error) {
	r := wire.NewReader(payload)
	r.Take(17)
	var o Offer
	o.Kex, o.HostKeys = r.NameList(), r.NameList()
	o.Ciphers, _ = r.NameList(), r.NameList()
	o.MACs, _ = r.NameList(), r.NameList()
	o.Compression, _ = r.NameList(), r.NameList()
	r.NameList()
	r.NameList()
	o.Follows = r.Bool()
	r.Uint32()
	return o, r.End()
}

// A Choice is what two offers have in common.
type Choice struct {
	Kex, HostKey                   string
	CipherToServer, CipherToClient string
	MACToServer, MACToClient       string
}

func choose(client, server Offer) (c Choice, err error) {
	pick := func(c, s []string) string {
		for _, name := range c {
			if slices.Contains(s, name) {
				return name
			}
		}
		err = fmt.Errorf("nothing in common: %v and %v", c, s)
		return ""
	}
	c.Kex, c.HostKey = pick(client.Kex, server.Kex), pick(client.HostKeys, server.HostKeys)
	c.CipherToServer = pick(client.Ciphers, server.Ciphers)
	c.CipherToClient = c.CipherToServer
	if !packet.Authenticates(c.CipherToServer) {
		c.MACToServer = pick(client.MACs, server.MACs)
		c.MACToClient = c.MACToServer
	}
	return c, err
}
