package putty

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/nacre-ssh/nacre/internal/edwards"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// A cacheType is how one type of key is written in the cache: numbers in lower
// case hexadecimal without leading zeros, with commas between them. Points of a
// curve are written as both coordinates, which the wire has in fewer bytes.
type cacheType struct {
	ssh     string // the key's type
	cache   string // the cache's
	name    string // of the curve, before the numbers of NIST's
	numbers int
	// read takes a key apart behind its type, build is the way back.
	read  func(r *wire.Reader) ([]*big.Int, error)
	build func(blob []byte, numbers []*big.Int) ([]byte, error)
}

var cacheTypes = [...]cacheType{
	{key.TypeEd25519, "ssh-ed25519", "", 2, readPoint(edwards.Ed25519), buildPoint(edwards.Ed25519)},
	{key.TypeEd448, "ssh-ed448", "", 2, readPoint(edwards.Ed448), buildPoint(edwards.Ed448)},
	{key.TypeECDSA256, "ecdsa-sha2-nistp256", "nistp256", 2, readECDSA, buildECDSA("nistp256", 32)},
	{key.TypeECDSA384, "ecdsa-sha2-nistp384", "nistp384", 2, readECDSA, buildECDSA("nistp384", 48)},
	{key.TypeECDSA521, "ecdsa-sha2-nistp521", "nistp521", 2, readECDSA, buildECDSA("nistp521", 66)},
	{key.TypeRSA, "rsa2", "", 2, readMpints(2), buildMpints},
	{key.TypeDSA, "dss", "", 4, readMpints(4), buildMpints},
}

func typeOf(ssh string) *cacheType {
	for i := range cacheTypes {
		if cacheTypes[i].ssh == ssh {
			return &cacheTypes[i]
		}
	}
	return nil
}

func (t *cacheType) data(k key.Public) (string, error) {
	r := wire.NewReader(k.Blob())
	r.Bytes() // the type
	numbers, err := t.read(&r)
	if err != nil {
		return "", fmt.Errorf("%s key for PuTTY's cache: %w", key.ShortName(t.ssh), err)
	}
	var parts []string
	if t.name != "" {
		parts = append(parts, t.name)
	}
	for _, n := range numbers {
		parts = append(parts, "0x"+n.Text(16))
	}
	return strings.Join(parts, ","), nil
}

func (t *cacheType) parse(data string) (key.Public, error) {
	k, err := t.parseNumbers(data)
	if err != nil {
		return nil, fmt.Errorf("%s key in PuTTY's cache: %w", key.ShortName(t.ssh), err)
	}
	return k, nil
}

func (t *cacheType) parseNumbers(data string) (key.Public, error) {
	parts := strings.Split(data, ",")
	if t.name != "" {
		if parts[0] != t.name {
			return nil, fmt.Errorf("it doesn't begin with %s", t.name)
		}
		parts = parts[1:]
	}
	if len(parts) != t.numbers {
		return nil, fmt.Errorf("it has %d numbers, not %d", len(parts), t.numbers)
	}
	numbers := make([]*big.Int, len(parts))
	for i, part := range parts {
		var err error
		if numbers[i], err = parseHex(part); err != nil {
			return nil, err
		}
	}
	blob, err := t.build(wire.AppendString(nil, t.ssh), numbers)
	if err != nil {
		return nil, err
	}
	return key.ParsePublic(blob)
}

var errHex = errors.New("a number is none")

func parseHex(text string) (*big.Int, error) {
	digits, ok := strings.CutPrefix(text, "0x")
	if !ok || digits == "" || len(digits) > maxDigits {
		return nil, errHex
	}
	for i := range len(digits) {
		if hexDigit(digits[i]) < 0 {
			return nil, errHex
		}
	}
	n, ok := new(big.Int).SetString(digits, 16)
	if !ok {
		return nil, errHex
	}
	return n, nil
}

func readMpints(count int) func(r *wire.Reader) ([]*big.Int, error) {
	return func(r *wire.Reader) ([]*big.Int, error) {
		var numbers []*big.Int
		for range count {
			numbers = append(numbers, r.Mpint())
		}
		return numbers, r.End()
	}
}

func buildMpints(blob []byte, numbers []*big.Int) ([]byte, error) {
	for _, n := range numbers {
		blob = wire.AppendMpint(blob, n)
	}
	return blob, nil
}

// readECDSA takes an uncompressed point apart (SEC 1, section 2.3.3).
func readECDSA(r *wire.Reader) ([]*big.Int, error) {
	r.Bytes() // the curve
	point := r.Bytes()
	if err := r.End(); err != nil {
		return nil, err
	}
	if len(point) < 3 || point[0] != 4 || len(point)%2 == 0 {
		return nil, errors.New("the point is compressed")
	}
	x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
	return []*big.Int{new(big.Int).SetBytes(x), new(big.Int).SetBytes(y)}, nil
}

func buildECDSA(name string, size int) func(blob []byte, numbers []*big.Int) ([]byte, error) {
	return func(blob []byte, numbers []*big.Int) ([]byte, error) {
		point := make([]byte, 1+2*size)
		point[0] = 4
		for i, n := range numbers {
			if n.BitLen() > 8*size {
				return nil, edwards.ErrOffCurve
			}
			n.FillBytes(point[1+i*size : 1+(i+1)*size])
		}
		return wire.AppendString(wire.AppendString(blob, name), point), nil
	}
}

func readPoint(curve func() *edwards.Curve) func(r *wire.Reader) ([]*big.Int, error) {
	return func(r *wire.Reader) ([]*big.Int, error) {
		point := r.Bytes()
		if err := r.End(); err != nil {
			return nil, err
		}
		x, y, err := curve().Decompress(point)
		return []*big.Int{x, y}, err
	}
}

func buildPoint(curve func() *edwards.Curve) func(blob []byte, numbers []*big.Int) ([]byte, error) {
	return func(blob []byte, numbers []*big.Int) ([]byte, error) {
		point, err := curve().Compress(numbers[0], numbers[1])
		if err != nil {
			return nil, err
		}
		return wire.AppendString(blob, point), nil
	}
}
