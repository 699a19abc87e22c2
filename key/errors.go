package key

import (
	"errors"
	"fmt"
)

// ErrSignature is wrapped by every error that a Verify returns: the signature
// is malformed, made with another algorithm, or simply wrong.
var ErrSignature = errors.New("signature is not valid")

// An UnsupportedError says that a key's type is unknown here, or can't do what
// was asked.
type UnsupportedError struct {
	Type string // as found, from outside: escape before printing
	Op   string // "" for reading, or "generate", "sign", "store"
}

func (e *UnsupportedError) Error() string {
	if e.Op == "" {
		return fmt.Sprintf("key type %q is not supported", e.Type)
	}
	return fmt.Sprintf("cannot %s a key of type %q", e.Op, e.Type)
}

// A SizeError says that a key is too small to be safe or too large to be
// computed with.
type SizeError struct {
	Type string
	Bits int // what was found
}

func (e *SizeError) Error() string {
	switch e.Type {
	case TypeRSA:
		return fmt.Sprintf("RSA key has %d bits, %d to %d are taken", e.Bits, MinRSABits, MaxRSABits)
	case TypeDSA:
		return fmt.Sprintf("DSA key has %d bits, %d to %d are taken", e.Bits, MinDSABits, MaxDSABits)
	}
	return fmt.Sprintf("%s key can't have %d bits", ShortName(e.Type), e.Bits)
}

func badSignature(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSignature, fmt.Sprintf(format, args...))
}
