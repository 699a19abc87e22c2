package sntrup

import (
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The parameters of sntrup761. See NTRU Prime: round 3, section 3.3.
const (
	p = 761  // degree of the ring's modulus x^p - x - 1
	q = 4591 // coefficients of public polynomials are mod q
	w = 286  // non-zero coefficients in a short polynomial
)

// Sizes in bytes.
const (
	PublicKeySize  = 1158
	PrivateKeySize = 2*smallSize + PublicKeySize + smallSize + hashSize
	CiphertextSize = roundedSize + hashSize
	SharedKeySize  = 32
)

const (
	smallSize   = (p + 3) / 4
	roundedSize = 1007
	hashSize    = 32
)

// The hash is SHA-512 cut to 32 bytes over one of these and the input.
const (
	hashRejected = 0 // session key of a ciphertext that does not verify
	hashSession  = 1
	hashConfirm  = 2
	hashInput    = 3
	hashPublic   = 4
)

// Where the parts of a private key start: f, 1/g, the public key, the secret
// that replaces the input on rejection, and the hash of the public key.
const (
	offGinv = smallSize
	offPub  = 2 * smallSize
	offRho  = offPub + PublicKeySize
	offHash = offRho + smallSize
)

// GenerateKey makes a key pair from rand. Both slices are new.
func GenerateKey(rand io.Reader) (pub, priv []byte, err error) {
	g, ginv, err := invertibleSmall(rand)
	if err != nil {
		return nil, nil, err
	}
	f, err := randomShort(rand)
	if err != nil {
		return nil, nil, err
	}
	priv = make([]byte, PrivateKeySize)
	h := recip3(&f)
	mulSmall(&h, &h, &g)
	encodeSmall(priv, &f)
	encodeSmall(priv[offGinv:], &ginv)
	encodeRq(priv[offPub:offRho], &h)
	if _, err := io.ReadFull(rand, priv[offRho:offHash]); err != nil {
		return nil, nil, fmt.Errorf("sntrup761: reading randomness: %w", err)
	}
	pub = append([]byte(nil), priv[offPub:offRho]...)
	hash((*[hashSize]byte)(priv[offHash:]), hashPublic, pub)
	return pub, priv, nil
}

// Encapsulate makes a fresh shared key and the ciphertext that carries it to
// the owner of pub. It keeps neither argument.
func Encapsulate(rand io.Reader, pub []byte) (ct, shared []byte, err error) {
	if len(pub) != PublicKeySize {
		return nil, nil, errors.New("sntrup761: public key has the wrong size")
	}
	r, err := randomShort(rand)
	if err != nil {
		return nil, nil, err
	}
	var pubHash [hashSize]byte
	hash(&pubHash, hashPublic, pub)
	ct = make([]byte, CiphertextSize)
	var input [smallSize]byte
	hide(ct, &input, &r, pub, &pubHash)
	return ct, sessionKey(hashSession, &input, ct), nil
}

// Decapsulate returns the shared key that ct carries to the owner of priv. An
// error says that a size is wrong, and only that: a forged ciphertext yields an
// unpredictable key instead.
func Decapsulate(priv, ct []byte) (shared []byte, err error) {
	if len(priv) != PrivateKeySize {
		return nil, errors.New("sntrup761: private key has the wrong size")
	}
	if len(ct) != CiphertextSize {
		return nil, errors.New("sntrup761: ciphertext has the wrong size")
	}
	r := decrypt(priv, ct)
	var again [CiphertextSize]byte
	var input [smallSize]byte
	hide(again[:], &input, &r, priv[offPub:offRho], (*[hashSize]byte)(priv[offHash:]))
	ok := subtle.ConstantTimeCompare(again[:], ct)
	subtle.ConstantTimeCopy(1-ok, input[:], priv[offRho:offHash])
	return sessionKey(byte(subtle.ConstantTimeSelect(ok, hashSession, hashRejected)), &input, ct), nil
}

// hide encrypts r to pub: the ciphertext goes to ct, the encoding of r to input.
func hide(ct []byte, input *[smallSize]byte, r *small, pub []byte, pubHash *[hashSize]byte) {
	h := decodeRq(pub)
	mulSmall(&h, &h, r)
	encodeRounded(ct[:roundedSize], &h)

	encodeSmall(input[:], r)
	var seen [2 * hashSize]byte
	hash((*[hashSize]byte)(seen[:]), hashInput, input[:])
	copy(seen[hashSize:], pubHash[:])
	hash((*[hashSize]byte)(ct[roundedSize:]), hashConfirm, seen[:])
}

// decrypt recovers the short polynomial in ct; where there is none it returns a
// fixed one, which can't encrypt to ct again.
func decrypt(priv, ct []byte) small {
	f := decodeSmall(priv[:smallSize])
	ginv := decodeSmall(priv[offGinv:offPub])
	c := decodeRounded(ct[:roundedSize])
	mulSmall(&c, &c, &f)
	var e small
	for i, v := range c {
		e[i] = mod3(centre(freeze(3 * v)))
	}
	r := mul3(&e, &ginv)
	return forceWeight(&r)
}

// forceWeight returns r, or w ones and then zeros if r has not weight w.
func forceWeight(r *small) small {
	weight := int32(0)
	for _, v := range r {
		weight += int32(v & 1)
	}
	good := int8(subtle.ConstantTimeEq(weight, w))
	var out small
	for i, v := range r {
		out[i] = v & -good
		if i < w {
			out[i] |= 1 - good
		}
	}
	return out
}

func sessionKey(prefix byte, input *[smallSize]byte, ct []byte) []byte {
	var seen [hashSize + CiphertextSize]byte
	hash((*[hashSize]byte)(seen[:]), hashInput, input[:])
	copy(seen[hashSize:], ct)
	var key [SharedKeySize]byte
	hash(&key, prefix, seen[:])
	return key[:]
}

func hash(out *[hashSize]byte, prefix byte, in []byte) {
	var buf [1 + PublicKeySize]byte // the longest input
	buf[0] = prefix
	n := 1 + copy(buf[1:], in)
	sum := sha512.Sum512(buf[:n])
	copy(out[:], sum[:])
}

// invertibleSmall draws a uniformly random small polynomial that has an inverse
// mod 3, and returns both.
func invertibleSmall(rand io.Reader) (g, ginv small, err error) {
	for range 100 { // about 3 % of the draws fail; a hundred in a row is a broken source
		words, err := randomWords(rand)
		if err != nil {
			return g, ginv, err
		}
		for i, u := range words {
			g[i] = int8(((u&0x3fffffff)*3)>>30) - 1
		}
		ginv, ok := inverse3(&g)
		if ok {
			return g, ginv, nil
		}
	}
	return g, ginv, errors.New("sntrup761: the random source is broken")
}

// randomShort draws a polynomial of w coefficients ±1 and p-w zeros: it sorts
// random words that carry the coefficient in their two lowest bits.
func randomShort(rand io.Reader) (small, error) {
	var out small
	words, err := randomWords(rand)
	if err != nil {
		return out, err
	}
	for i := range words {
		if i < w {
			words[i] &^= 1
		} else {
			words[i] = words[i]&^3 | 1
		}
	}
	sortWords(&words)
	for i, u := range words {
		out[i] = int8(u&3) - 1
	}
	return out, nil
}

func randomWords(rand io.Reader) (words [p]uint32, err error) {
	var buf [4 * p]byte
	if _, err := io.ReadFull(rand, buf[:]); err != nil {
		return words, fmt.Errorf("sntrup761: reading randomness: %w", err)
	}
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(buf[4*i:])
	}
	return words, nil
}

// sortWords is Batcher's merge exchange (Knuth, TAOCP 3, algorithm 5.2.2M): which
// elements it compares does not depend on their values.
func sortWords(x *[p]uint32) {
	const top = 512 // the largest power of two below p
	for step := top; step > 0; step >>= 1 {
		dist, rest := step, 0
		for far := top; ; far >>= 1 {
			for i := 0; i < p-dist; i++ {
				if i&step == rest {
					a, b := x[i], x[i+dist]
					swap := (a ^ b) & uint32((int64(b)-int64(a))>>63)
					x[i], x[i+dist] = a^swap, b^swap
				}
			}
			if far == step {
				break
			}
			dist, rest = far-step, step
		}
	}
}
