package packet

import (
	"errors"

	"github.com/nacre-ssh/nacre/internal/inflate"
	"github.com/nacre-ssh/nacre/wire"
)

// Compression methods (RFC 4253, section 6.2; zlib@openssh.com of PROTOCOL,
// section 1.2, starts only after authentication).
const (
	CompressNone    = "none"
	CompressZlib    = "zlib"
	CompressDelayed = "zlib@openssh.com"
)

// Compressions lists all known methods, best first.
func Compressions() []string { return []string{CompressNone, CompressDelayed, CompressZlib} }

// ErrCompression says that a payload can't be expanded: it is damaged, or larger
// than any packet may be.
var ErrCompression = errors.New("compressed packet is damaged or expands beyond the largest packet")

// A Deflater compresses the payloads of one direction, one after the other. It
// belongs to one goroutine.
type Deflater struct{ w inflate.Writer }

// Deflate appends the compressed form of payload to dst.
func (d *Deflater) Deflate(dst, payload []byte) ([]byte, error) { return d.w.Deflate(dst, payload) }

// An Inflater expands the payloads of one direction, one after the other. It
// belongs to one goroutine.
type Inflater struct{ r inflate.Reader }

// Inflate appends the expanded form of payload, at most wire.MaxPayload bytes,
// to dst.
func (i *Inflater) Inflate(dst, payload []byte) ([]byte, error) {
	out, err := i.r.Inflate(dst, payload, wire.MaxPayload)
	if err != nil {
		return nil, errors.Join(ErrCompression, err)
	}
	return out, nil
}
