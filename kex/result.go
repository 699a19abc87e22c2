package kex

import (
	"crypto"

	"github.com/nacre-ssh/nacre/wire"
)

// A Result is a completed exchange. On the client nothing in it is to be
// believed before Signature has been verified over H with HostKey. It is
// immutable and safe for concurrent use.
type Result struct {
	Hash      crypto.Hash // the method's hash, for H and for the keys
	H         []byte      // the exchange hash; the first one is the session id
	K         []byte      // the secret as it is hashed: already an mpint or a string
	HostKey   []byte      // the server's host key blob
	Signature []byte      // client only: the server's signature blob over H

	public []byte // server only: our public value
	number byte   // server only: the number of the reply
}

// Reply returns the server's last message, which carries the host key, the
// public value and signature, a signature blob over H. The caller owns it. On
// the client there is none: it returns nil.
func (r *Result) Reply(signature []byte) []byte {
	if r.number == 0 {
		return nil
	}
	b := make([]byte, 0, 1+3*4+len(r.HostKey)+len(r.public)+len(signature))
	b = append(b, r.number)
	b = wire.AppendString(b, r.HostKey)
	b = wire.AppendString(b, r.public)
	return wire.AppendString(b, signature)
}

// Key derives n bytes of the key named by letter, 'A' to 'F' (RFC 4253, section
// 7.2): initial IVs client to server and back, encryption keys, integrity keys.
// sessionID is the H of the connection's first exchange. The caller owns the
// key.
func (r *Result) Key(letter byte, sessionID []byte, n int) []byte {
	if n <= 0 {
		return nil
	}
	h := r.Hash.New()
	key := make([]byte, 0, n+h.Size())
	h.Write(r.K)
	h.Write(r.H)
	h.Write([]byte{letter})
	h.Write(sessionID)
	key = h.Sum(key)
	for len(key) < n {
		h.Reset()
		h.Write(r.K)
		h.Write(r.H)
		h.Write(key)
		key = h.Sum(key)
	}
	return key[:n:n]
}

// transcript is what H covers (RFC 4253, section 8; RFC 4419, section 3;
// RFC 5656, section 4).
type transcript struct {
	p              *Params
	hostKey        []byte
	group          []byte // group exchange: sizes asked for, p and g, encoded; else nil
	client, server []byte // public values
	k              []byte // encoded
}

func (t *transcript) sum(hash crypto.Hash) []byte {
	n := 7*4 + len(t.p.ClientVersion) + len(t.p.ServerVersion) + len(t.p.ClientInit) + len(t.p.ServerInit) +
		len(t.hostKey) + len(t.group) + len(t.client) + len(t.server) + len(t.k)
	b := make([]byte, 0, n)
	b = wire.AppendString(b, t.p.ClientVersion)
	b = wire.AppendString(b, t.p.ServerVersion)
	b = wire.AppendString(b, t.p.ClientInit)
	b = wire.AppendString(b, t.p.ServerInit)
	b = wire.AppendString(b, t.hostKey)
	b = append(b, t.group...)
	b = wire.AppendString(b, t.client)
	b = wire.AppendString(b, t.server)
	b = append(b, t.k...)
	h := hash.New()
	h.Write(b)
	clear(b) // it ends in the secret
	return h.Sum(nil)
}
