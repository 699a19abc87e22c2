package forward

import (
	"bytes"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

// FuzzParseTunnel reads which network device a client wants.
func FuzzParseTunnel(f *testing.F) {
	for _, n := range []uint32{0, 7, anyUnit, anyUnit + 1, 1<<32 - 1} {
		for mode := range uint32(4) {
			f.Add(wire.AppendUint32(wire.AppendUint32(nil, mode), n))
		}
	}
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, extra []byte) {
		mode, unit, ok := ParseTunnel(extra)
		if !ok {
			return
		}
		if mode != PointToPoint && mode != Ethernet || unit < AnyUnit || unit >= anyUnit {
			t.Fatalf("%x is the device %d of mode %d", extra, unit, mode)
		}
		if unit == AnyUnit {
			unit = anyUnit
		}
		if again := wire.AppendUint32(wire.AppendUint32(nil, uint32(mode)), uint32(unit)); !bytes.Equal(again, extra) {
			t.Errorf("%x was read of %x", again, extra)
		}
	})
}
