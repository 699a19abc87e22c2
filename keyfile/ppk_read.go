package keyfile

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/wire"
)

// Limits of ours to what a PPK may demand: the file decides what opening it
// costs, and everybody who asks for a passphrase pays before it is known to be
// right.
const (
	maxPPKMemory      = 1 << 20   // KiB
	maxPPKWork        = 32 << 20  // KiB times passes: about a minute
	maxPPKParallelism = 64        // goroutines
	maxPPKLines       = 4096      // of base64, 48 bytes each
	maxPPKNumber      = 1<<32 - 1 // PuTTY's own
)

var errPPKEnd = errors.New("it ends too early")

// ParsePPK reads a PuTTY private key file, version 2 or 3, without opening it.
// Lines may end in LF, CR or both. Nothing of text is kept. Errors are
// *[FormatError] and *[UnsupportedError].
func ParsePPK(text []byte) (*PPK, error) {
	if len(text) > MaxFile {
		return nil, malformed("it is larger than 1 MiB", nil)
	}
	r := &ppkReader{rest: text}
	p := new(PPK)
	version, algorithm, _ := r.pair()
	if err := p.setVersion(version); err != nil {
		return nil, err
	}
	p.Algorithm = algorithm
	if err := p.read(r); err != nil {
		return nil, malformed("its text is damaged", err)
	}
	if err := p.checkDemands(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *PPK) setVersion(header string) error {
	version, ok := strings.CutPrefix(header, ppkMagic)
	if !ok {
		return malformed("it is not a PuTTY private key", nil)
	}
	switch version {
	case "2", "3":
		p.Version = int(version[0] - '0')
		return nil
	case "1":
		return &UnsupportedError{What: "PuTTY key of version 1, which only snapshots of January 2002 wrote",
			Hint: "open it in an old PuTTYgen and save it again"}
	}
	return &UnsupportedError{What: "PuTTY key of a version above 3", Hint: "save it with: puttygen FILE --reencrypt --ppk-param version=3"}
}

// read reads every header behind the first, in the one order there is.
func (p *PPK) read(r *ppkReader) error {
	encryption := r.value("Encryption")
	p.Comment = r.value("Comment")
	p.Public = r.blob("Public-Lines")
	switch encryption {
	case ppkCipher:
		p.encrypted = true
	case "none":
	default:
		r.fail(fmt.Errorf("it is encrypted with %.40q", encryption))
	}
	p.kdf.Version = p.Version
	if p.encrypted && p.Version == 3 {
		p.kdf.KDF = PPKHash(r.value("Key-Derivation"))
		p.kdf.Memory = r.number("Argon2-Memory", maxPPKNumber)
		p.kdf.Passes = r.number("Argon2-Passes", maxPPKNumber)
		p.kdf.Parallelism = r.number("Argon2-Parallelism", maxPPKNumber)
		p.salt = r.salt("Argon2-Salt")
	}
	p.private = r.blob("Private-Lines")
	p.mac = r.value("Private-MAC")
	if r.err != nil {
		return r.err
	}
	if p.encrypted && len(p.private)%ppkBlock != 0 {
		return errors.New("its private part is not made of whole blocks")
	}
	public := wire.NewReader(p.Public)
	if name := public.String(); public.Err() != nil || name != p.Algorithm {
		return errors.New("its public key is of another type than its first line says")
	}
	return nil
}

// checkDemands refuses what opening the file would cost too much.
func (p *PPK) checkDemands() error {
	if !p.encrypted || p.Version < 3 {
		return nil
	}
	if lookupPPKHash(p.kdf.KDF) == nil {
		return &UnsupportedError{What: fmt.Sprintf("PuTTY key with the key derivation %.40q", p.kdf.KDF)}
	}
	return p.kdf.check()
}

func (k PPKParams) check() error {
	switch {
	case k.Memory > maxPPKMemory:
		return malformed(fmt.Sprintf("it asks for %d MiB of memory to be opened, %d MiB are given", k.Memory>>10, maxPPKMemory>>10), nil)
	case k.Passes == 0 || k.Parallelism == 0:
		return malformed("its key derivation has no passes or no lanes", nil)
	case k.Parallelism > maxPPKParallelism:
		return malformed(fmt.Sprintf("it asks for %d lanes of key derivation, %d are given", k.Parallelism, maxPPKParallelism), nil)
	case k.Memory < 8*k.Parallelism:
		return malformed(fmt.Sprintf("its key derivation has %d KiB, Argon2 needs %d", k.Memory, 8*k.Parallelism), nil)
	case uint64(k.Memory)*uint64(k.Passes) > maxPPKWork:
		return malformed(fmt.Sprintf("it asks for %d passes over %d KiB to be opened, which is too much work", k.Passes, k.Memory), nil)
	}
	return nil
}

// A ppkReader takes lines off a text. After the first error everything it
// returns is empty.
type ppkReader struct {
	rest []byte
	err  error
}

func (r *ppkReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

// line takes one line off, which ends in LF, CR or CRLF, or with the text.
func (r *ppkReader) line() string {
	if r.err != nil || len(r.rest) == 0 {
		r.fail(errPPKEnd)
		return ""
	}
	i := bytes.IndexAny(r.rest, "\r\n")
	if i < 0 {
		i = len(r.rest)
	}
	line := string(r.rest[:i])
	switch after := r.rest[i:]; {
	case bytes.HasPrefix(after, []byte("\r\n")):
		r.rest = after[2:]
	case len(after) > 0:
		r.rest = after[1:]
	default:
		r.rest = nil
	}
	return line
}

// pair takes a "Name: value" line off.
func (r *ppkReader) pair() (name, value string, ok bool) {
	return strings.Cut(r.line(), ": ")
}

// value takes the line of a name off, which must be the next.
func (r *ppkReader) value(name string) string {
	got, value, ok := r.pair()
	if r.err == nil && (!ok || got != name) {
		r.fail(fmt.Errorf("its line %q is missing", name))
		return ""
	}
	return value
}

func (r *ppkReader) number(name string, limit uint64) uint32 {
	n, err := strconv.ParseUint(r.value(name), 10, 32)
	if r.err == nil && (err != nil || n > limit) {
		r.fail(fmt.Errorf("its line %q holds no number up to %d", name, limit))
		return 0
	}
	return uint32(n)
}

func (r *ppkReader) salt(name string) []byte {
	b, err := hex.DecodeString(r.value(name))
	if err != nil || len(b) > maxSalt {
		r.fail(fmt.Errorf("its line %q holds no salt", name))
	}
	return b
}

// blob takes off a number of lines and those lines.
func (r *ppkReader) blob(name string) []byte {
	lines := r.number(name, maxPPKLines)
	var text []byte
	for range lines {
		line := r.line()
		if len(line) > ppkColumns {
			r.fail(fmt.Errorf("a line below %q is too long", name))
		}
		text = append(text, line...)
	}
	if r.err != nil {
		return nil
	}
	b, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil {
		r.fail(fmt.Errorf("below %q is no base64", name))
		return nil
	}
	return b
}
