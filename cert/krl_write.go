package cert

import (
	"maps"
	"slices"

	"github.com/nacre-ssh/nacre/wire"
)

// Marshal writes the list in its binary form. The same list gives the same
// bytes. The caller owns them.
func (l *KRL) Marshal() []byte {
	b := []byte(krlMagic)
	b = wire.AppendUint32(b, krlVersion)
	b = wire.AppendUint64(b, l.Version)
	b = wire.AppendUint64(b, l.Generated)
	b = wire.AppendUint64(b, 0)  // flags
	b = wire.AppendString(b, "") // reserved
	b = wire.AppendString(b, l.Comment)
	for _, a := range l.authorities {
		b = appendSection(b, sectionCertificates, a.marshal())
	}
	var keys, sha256s, sha1s []byte
	for _, blob := range l.Keys() {
		keys = wire.AppendString(keys, blob)
	}
	for _, digest := range l.SHA256s() {
		sha256s = wire.AppendString(sha256s, digest)
	}
	for _, digest := range l.SHA1s() {
		sha1s = wire.AppendString(sha1s, digest)
	}
	for _, s := range []struct {
		kind byte
		data []byte
	}{{sectionKeys, keys}, {sectionSHA1, sha1s}, {sectionSHA256, sha256s}} {
		if len(s.data) > 0 {
			b = appendSection(b, s.kind, s.data)
		}
	}
	return b
}

// Keys are the blobs of the revoked keys in order, SHA256s and SHA1s the
// digests. The caller owns the lists.
func (l *KRL) Keys() []string { return slices.Sorted(maps.Keys(l.keys)) }

// SHA256s are the revoked digests in order.
func (l *KRL) SHA256s() []string {
	list := make([]string, 0, len(l.sha256s))
	for d := range l.sha256s {
		list = append(list, string(d[:]))
	}
	slices.Sort(list)
	return list
}

// SHA1s are the revoked digests in order.
func (l *KRL) SHA1s() []string {
	list := make([]string, 0, len(l.sha1s))
	for d := range l.sha1s {
		list = append(list, string(d[:]))
	}
	slices.Sort(list)
	return list
}

func appendSection(b []byte, kind byte, data []byte) []byte {
	return wire.AppendString(append(b, kind), data)
}

func (a *revokedCerts) marshal() []byte {
	var b []byte
	if a.authority != nil {
		b = wire.AppendString(b, a.authority.Blob())
	} else {
		b = wire.AppendString(b, "")
	}
	b = wire.AppendString(b, "") // reserved
	b = appendSerials(b, a.serials)
	if len(a.ids) > 0 {
		var ids []byte
		for _, id := range slices.Sorted(maps.Keys(a.ids)) {
			ids = wire.AppendString(ids, id)
		}
		b = appendSection(b, certIDs, ids)
	}
	return b
}

// What the forms of serials cost, in bytes.
const (
	costSection = 5
	costSerial  = 8
	costRange   = costSection + 16
	costBitmap  = costSection + 8 + 4 + 1
)

// appendSerials chooses the shortest form for each run of spans: a bitmap where
// they are dense, ranges where they are long, a list for the rest.
func appendSerials(b []byte, spans []span) []byte {
	var single []byte
	flush := func() {
		if len(single) > 0 {
			b = appendSection(b, certSerials, single)
			single = nil
		}
	}
	for len(spans) > 0 {
		n := dense(spans)
		if n > 1 {
			flush()
			b = appendSection(b, certBitmap, bitmap(spans[:n]))
			spans = spans[n:]
			continue
		}
		s := spans[0]
		spans = spans[1:]
		if s.lo == s.hi {
			single = wire.AppendUint64(single, s.lo)
			continue
		}
		flush()
		var data []byte
		data = wire.AppendUint64(data, s.lo)
		data = wire.AppendUint64(data, s.hi)
		b = appendSection(b, certRange, data)
	}
	flush()
	return b
}

// dense is how many of the first spans are shorter as a bitmap; fewer than two
// are not. It ends before a span that costs less by itself than the bits up to
// it.
func dense(spans []span) int {
	plain, best := 0, 0
	last := spans[0].lo
	for i, s := range spans {
		alone := costSerial
		if s.lo != s.hi {
			alone = costRange
		}
		bits := s.hi - spans[0].lo
		if bits >= maxBitmap/8 || (s.hi-last)/8 > uint64(alone+costBitmap) {
			break
		}
		last = s.hi
		if plain += alone; costBitmap+int(bits/8)+1 < plain {
			best = i + 1
		}
	}
	return best
}

// bitmap is the data of a bitmap section: the offset and an mpint.
func bitmap(spans []span) []byte {
	offset := spans[0].lo
	size := int((spans[len(spans)-1].hi-offset)/8) + 1
	number := make([]byte, size)
	for _, s := range spans {
		for n := s.lo - offset; n <= s.hi-offset; n++ {
			number[size-1-int(n/8)] |= 1 << (n % 8)
		}
	}
	return wire.AppendMpintBytes(wire.AppendUint64(nil, offset), number)
}
