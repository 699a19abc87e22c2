package keyfile

import (
	"errors"
	"fmt"
	"math/big"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// parts are a private key's fields in the order that PuTTY, Dropbear and ssh.com
// start from; each of them arranges them in its own way. All fields are
// length-prefixed on the wire, numbers as mpint.
type parts struct {
	name    string
	public  [][]byte // the fields of the public blob, behind its name
	private [][]byte // rsa: d, p, q, q^-1 mod p; dss: x; ecdsa: d; EdDSA: seed
}

// splitKey takes a key apart.
func splitKey(k *key.Private) (*parts, error) {
	name := k.Public().Type()
	form := lookupParts(name)
	if form == nil {
		return nil, &key.UnsupportedError{Type: name, Op: "store"}
	}
	b, err := key.AppendPrivate(nil, k)
	if err != nil {
		return nil, err
	}
	f, err := fields(b)
	if err != nil {
		return nil, err
	}
	public, err := fields(k.Public().Blob())
	if err != nil {
		return nil, err
	}
	return &parts{name, public[1:], form.split(f[1:])}, nil
}

// join makes the key. That the halves belong together is checked by package
// key, which computes again what can be computed.
func (p *parts) join() (*key.Private, error) {
	form := lookupParts(p.name)
	if form == nil {
		return nil, &key.UnsupportedError{Type: p.name}
	}
	if len(p.public) != form.public || len(p.private) != form.private {
		return nil, fmt.Errorf("it has %d public and %d private fields where %d and %d belong",
			len(p.public), len(p.private), form.public, form.private)
	}
	b := wire.AppendString(nil, p.name)
	for _, f := range form.join(p) {
		b = wire.AppendString(b, f)
	}
	defer clear(b)
	r := wire.NewReader(b)
	return key.ReadPrivate(&r)
}

// A partsForm says how a type's parts stand in key.AppendPrivate's encoding.
type partsForm struct {
	name            string
	public, private int // how many fields there are of each
	split           func(fields [][]byte) [][]byte
	join            func(p *parts) [][]byte
}

var partsForms = [...]partsForm{
	{key.TypeRSA, 2, 4, splitRSA, joinRSA},
	{key.TypeDSA, 4, 1, splitLast, joinLast},
	{key.TypeECDSA256, 2, 1, splitLast, joinLast},
	{key.TypeECDSA384, 2, 1, splitLast, joinLast},
	{key.TypeECDSA521, 2, 1, splitLast, joinLast},
	{key.TypeEd25519, 1, 1, splitSeed, joinSeed},
	{key.TypeEd448, 1, 1, splitSeed, joinSeed},
}

func lookupParts(name string) *partsForm {
	for i := range partsForms {
		if partsForms[i].name == name {
			return &partsForms[i]
		}
	}
	return nil
}

// splitRSA gets n, e, d, q^-1 mod p, p, q.
func splitRSA(f [][]byte) [][]byte { return [][]byte{f[2], f[4], f[5], f[3]} }

func joinRSA(p *parts) [][]byte {
	e, n := p.public[0], p.public[1]
	return [][]byte{n, e, p.private[0], p.private[3], p.private[1], p.private[2]}
}

// splitLast gets the public fields and one private.
func splitLast(f [][]byte) [][]byte { return f[len(f)-1:] }

func joinLast(p *parts) [][]byte { return append(p.public[:len(p.public):len(p.public)], p.private[0]) }

// splitSeed gets the point, then seed and point.
func splitSeed(f [][]byte) [][]byte { return [][]byte{f[1][:len(f[1])-len(f[0])]} }

func joinSeed(p *parts) [][]byte {
	point := p.public[0]
	return [][]byte{point, append(append([]byte(nil), p.private[0]...), point...)}
}

// fields reads b as nothing but length-prefixed fields, which share its memory.
func fields(b []byte) (list [][]byte, err error) {
	r := wire.NewReader(b)
	for r.Len() > 0 && r.Err() == nil {
		list = append(list, r.Bytes())
	}
	return list, r.Err()
}

// largerFirst puts an RSA key's larger prime first, as PuTTY does when it reads
// a key, so that what is written is what it would write.
func (p *parts) largerFirst() {
	if p.name != key.TypeRSA {
		return
	}
	a, b := new(big.Int).SetBytes(p.private[1]), new(big.Int).SetBytes(p.private[2])
	if a.Cmp(b) > 0 {
		return
	}
	p.private[1], p.private[2] = p.private[2], p.private[1]
	p.private[3] = wire.AppendMpint(nil, new(big.Int).ModInverse(a, b))[4:]
}

// unusable turns what package key says about a key in a file into this
// package's errors.
func unusable(err error) error {
	var unsupported *key.UnsupportedError
	if errors.As(err, &unsupported) {
		return &UnsupportedError{What: fmt.Sprintf("key type %q", unsupported.Type)}
	}
	return malformed("its key can't be used", err)
}
