package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"
)

// Object identifiers of PBES2 (RFC 8018, appendices A and B).
var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidSHA1   = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 7} // the default
	oidSHA256 = asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 9}
	oidAES256 = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 42}
)

// A prf is a pseudorandom function of PBKDF2: HMAC with a hash.
type prf struct {
	oid  asn1.ObjectIdentifier
	hash func() hash.Hash
}

func prfs() []prf {
	return []prf{
		{oidSHA1, sha1.New},
		{oidSHA256, sha256.New},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 10}, sha512.New384},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 2, 11}, sha512.New},
	}
}

// A scheme is an encryption scheme of PBES2: CBC with padding.
type scheme struct {
	oid      asn1.ObjectIdentifier
	key, iv  int // bytes
	newBlock func([]byte) (cipher.Block, error)
}

func schemes() []scheme {
	return []scheme{
		{oidAES256, 32, 16, aes.NewCipher},
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 22}, 24, 16, aes.NewCipher},
		{asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 1, 2}, 16, 16, aes.NewCipher},
		{asn1.ObjectIdentifier{1, 2, 840, 113549, 3, 7}, 24, 8, des.NewTripleDESCipher},
	}
}

// The ASN.1 of an encrypted PKCS#8 key (RFC 5958, section 3; RFC 8018, appendix
// A.2 and A.4).
type (
	encryptedKeyInfo struct {
		Algorithm pkix.AlgorithmIdentifier
		Sealed    []byte
	}
	pbes2Parameters struct {
		KDF, Scheme pkix.AlgorithmIdentifier
	}
	pbkdf2Parameters struct {
		Salt       []byte
		Iterations int
		KeyLength  int                      `asn1:"optional"`
		PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
	}
)

// A pbes2 is an encrypted key, still closed.
type pbes2 struct {
	scheme scheme
	hash   func() hash.Hash
	salt   []byte
	rounds int
	iv     []byte
	sealed []byte
}

func parsePBES2(der []byte) (*pbes2, error) {
	var info encryptedKeyInfo
	if err := unmarshalAll(der, &info); err != nil {
		return nil, damagedDER("encrypted PKCS#8", err)
	}
	if !info.Algorithm.Algorithm.Equal(oidPBES2) {
		return nil, &UnsupportedError{
			What: fmt.Sprintf("PKCS#8 encrypted with algorithm %v", info.Algorithm.Algorithm),
			Hint: "convert it with: openssl pkcs8 -topk8 -v2 aes256 -in FILE -out NEW",
		}
	}
	var p pbes2Parameters
	if err := unmarshalAll(info.Algorithm.Parameters.FullBytes, &p); err != nil {
		return nil, damagedDER("encrypted PKCS#8", err)
	}
	e := &pbes2{sealed: info.Sealed}
	if err := e.setScheme(p.Scheme); err != nil {
		return nil, err
	}
	return e, e.setKDF(p.KDF)
}

func (e *pbes2) setScheme(id pkix.AlgorithmIdentifier) error {
	for _, s := range schemes() {
		if !s.oid.Equal(id.Algorithm) {
			continue
		}
		if err := unmarshalAll(id.Parameters.FullBytes, &e.iv); err != nil || len(e.iv) != s.iv {
			return malformed("its initialization vector is damaged", err)
		}
		e.scheme = s
		return nil
	}
	return &UnsupportedError{What: fmt.Sprintf("PKCS#8 encrypted with cipher %v", id.Algorithm)}
}

func (e *pbes2) setKDF(id pkix.AlgorithmIdentifier) error {
	if !id.Algorithm.Equal(oidPBKDF2) {
		return &UnsupportedError{
			What: fmt.Sprintf("PKCS#8 with key derivation %v", id.Algorithm),
			Hint: "convert it with: openssl pkcs8 -topk8 -v2 aes256 -in FILE -out NEW",
		}
	}
	var p pbkdf2Parameters
	if err := unmarshalAll(id.Parameters.FullBytes, &p); err != nil {
		return damagedDER("encrypted PKCS#8", err)
	}
	if p.Iterations < 1 || p.Iterations > MaxPBKDF2Rounds || len(p.Salt) > maxSalt {
		return malformed(fmt.Sprintf("it asks for %d rounds of key derivation with %d bytes of salt; 1 to %d with up to %d are done",
			p.Iterations, len(p.Salt), MaxPBKDF2Rounds, maxSalt), nil)
	}
	if p.KeyLength != 0 && p.KeyLength != e.scheme.key {
		return malformed("its key has a wrong length", nil)
	}
	e.salt, e.rounds = p.Salt, p.Iterations
	oid := p.PRF.Algorithm
	if len(oid) == 0 {
		oid = oidSHA1
	}
	for _, f := range prfs() {
		if f.oid.Equal(oid) {
			e.hash = f.hash
			return nil
		}
	}
	return &UnsupportedError{What: fmt.Sprintf("PKCS#8 with pseudorandom function %v", oid)}
}

// open returns the plain key, or false where the passphrase is wrong.
func (e *pbes2) open(passphrase []byte) ([]byte, bool) {
	secret, err := e.derive(passphrase)
	if err != nil {
		return nil, false
	}
	defer clear(secret)
	return openPadded(e.scheme.newBlock, secret, e.iv, e.sealed)
}

func (e *pbes2) derive(passphrase []byte) ([]byte, error) {
	return pbkdf2.Key(e.hash, string(passphrase), e.salt, e.rounds, e.scheme.key)
}

// sealPBES2 encrypts with AES-256 and HMAC-SHA-256, which OpenSSL reads since
// 1.0.
func sealPBES2(der, passphrase []byte) ([]byte, error) {
	e := &pbes2{scheme: schemes()[0], hash: sha256.New, rounds: writtenPBKDF2Rounds, salt: make([]byte, 16), iv: make([]byte, 16)}
	rand.Read(e.salt)
	rand.Read(e.iv)
	secret, err := e.derive(passphrase)
	if err != nil {
		return nil, err
	}
	defer clear(secret)
	null := asn1.RawValue{Tag: asn1.TagNull}
	kdf, err := algorithm(oidPBKDF2, pbkdf2Parameters{
		Salt: e.salt, Iterations: e.rounds, PRF: pkix.AlgorithmIdentifier{Algorithm: oidSHA256, Parameters: null},
	})
	if err != nil {
		return nil, err
	}
	with, err := algorithm(oidAES256, e.iv)
	if err != nil {
		return nil, err
	}
	by, err := algorithm(oidPBES2, pbes2Parameters{kdf, with})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(encryptedKeyInfo{by, sealPadded(e.scheme.newBlock, secret, e.iv, der)})
}

// algorithm is an identifier with its parameters.
func algorithm(oid asn1.ObjectIdentifier, parameters any) (pkix.AlgorithmIdentifier, error) {
	p, err := asn1.Marshal(parameters)
	return pkix.AlgorithmIdentifier{Algorithm: oid, Parameters: asn1.RawValue{FullBytes: p}}, err
}
