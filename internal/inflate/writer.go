package inflate

import "compress/zlib"

// Writer compresses one zlib stream, packet by packet. The zero value is at the
// start of a stream; it takes its memory, about 800 KiB, with the first packet.
// Only one call may run at a time.
type Writer struct {
	z    *zlib.Writer
	sink sink
}

// Deflate returns dst with the next piece of the stream appended, from which the
// peer can restore src at once. It keeps neither slice; they must not overlap.
//
// The piece ends with what zlib calls Z_SYNC_FLUSH, which every peer expands
// like the shorter Z_PARTIAL_FLUSH.
func (w *Writer) Deflate(dst, src []byte) ([]byte, error) {
	if w.z == nil {
		w.z = zlib.NewWriter(&w.sink)
	}
	w.sink.buf = dst
	defer func() { w.sink.buf = nil }()
	if _, err := w.z.Write(src); err != nil {
		return dst, err
	}
	if err := w.z.Flush(); err != nil {
		return dst, err
	}
	return w.sink.buf, nil
}

// sink appends what is written to it.
type sink struct{ buf []byte }

func (s *sink) Write(p []byte) (int, error) {
	s.buf = append(s.buf, p...)
	return len(p), nil
}
