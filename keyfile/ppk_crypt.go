package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"hash"

	"golang.org/x/crypto/argon2"

	"github.com/nacre-ssh/nacre/internal/argon2d"
	"github.com/nacre-ssh/nacre/wire"
)

const (
	ppkCipher  = "aes256-cbc"
	ppkBlock   = aes.BlockSize
	ppkKey     = 32
	ppkMACKey  = 32
	ppkTag     = ppkKey + ppkBlock + ppkMACKey // of Argon2
	ppkColumns = 64                            // of base64
)

// ppkHashes are version 3's password hashes.
var ppkHashes = [...]struct {
	name PPKHash
	run  func(passphrase, salt []byte, k PPKParams) ([]byte, error)
}{
	{Argon2id, func(passphrase, salt []byte, k PPKParams) ([]byte, error) {
		return argon2.IDKey(passphrase, salt, k.Passes, k.Memory, uint8(k.Parallelism), ppkTag), nil
	}},
	{Argon2i, func(passphrase, salt []byte, k PPKParams) ([]byte, error) {
		return argon2.Key(passphrase, salt, k.Passes, k.Memory, uint8(k.Parallelism), ppkTag), nil
	}},
	{Argon2d, func(passphrase, salt []byte, k PPKParams) ([]byte, error) {
		return argon2d.Key(passphrase, salt, k.Passes, k.Memory, k.Parallelism, ppkTag)
	}},
}

func lookupPPKHash(name PPKHash) func(passphrase, salt []byte, k PPKParams) ([]byte, error) {
	for _, h := range ppkHashes {
		if h.name == name {
			return h.run
		}
	}
	return nil
}

// ppkKeys are what a passphrase becomes. A key that isn't encrypted has a MAC
// key only, which is no secret.
type ppkKeys struct {
	cipher, iv, mac []byte
	newHash         func() hash.Hash
}

func (k *ppkKeys) clear() { clear(k.cipher); clear(k.mac) }

// derive runs the file's key derivation. Its demands were checked.
func (p *PPK) derive(passphrase []byte) (*ppkKeys, error) {
	switch {
	case p.Version == 2:
		return p.deriveSHA1(passphrase), nil
	case !p.encrypted:
		return &ppkKeys{newHash: sha256.New}, nil
	}
	tag, err := lookupPPKHash(p.kdf.KDF)(passphrase, p.salt, p.kdf)
	if err != nil {
		return nil, err
	}
	return &ppkKeys{tag[:ppkKey], tag[ppkKey : ppkKey+ppkBlock], tag[ppkKey+ppkBlock:], sha256.New}, nil
}

// deriveSHA1 is version 2's: SHA-1 over a counter and the passphrase, a zero IV.
func (p *PPK) deriveSHA1(passphrase []byte) *ppkKeys {
	if !p.encrypted {
		passphrase = nil
	}
	k := &ppkKeys{iv: make([]byte, ppkBlock), newHash: sha1.New}
	for counter := range byte(2) {
		h := sha1.New()
		h.Write([]byte{0, 0, 0, counter})
		h.Write(passphrase)
		k.cipher = h.Sum(k.cipher)
	}
	k.cipher = k.cipher[:ppkKey]
	h := sha1.New()
	h.Write([]byte("putty-private-key-file-mac-key"))
	h.Write(passphrase)
	k.mac = h.Sum(nil)
	return k
}

func (k *ppkKeys) block() cipher.Block {
	b, err := aes.NewCipher(k.cipher)
	if err != nil {
		panic("ppk: " + err.Error()) // only for another length than derive gives
	}
	return b
}

// decrypt and encrypt work in place, on whole blocks.
func (k *ppkKeys) decrypt(b []byte) { cipher.NewCBCDecrypter(k.block(), k.iv).CryptBlocks(b, b) }
func (k *ppkKeys) encrypt(b []byte) { cipher.NewCBCEncrypter(k.block(), k.iv).CryptBlocks(b, b) }

// sum is the MAC over everything in the file that says what the key is.
func (k *ppkKeys) sum(p *PPK, plain []byte) string {
	encryption := "none"
	if p.encrypted {
		encryption = ppkCipher
	}
	b := wire.AppendString(nil, p.Algorithm)
	b = wire.AppendString(b, encryption)
	b = wire.AppendString(b, p.Comment)
	b = wire.AppendString(b, p.Public)
	b = wire.AppendString(b, plain)
	defer clear(b)
	h := hmac.New(k.newHash, k.mac)
	h.Write(b)
	return hex.EncodeToString(h.Sum(nil))
}

func (k *ppkKeys) verify(p *PPK, plain []byte) bool {
	return subtle.ConstantTimeCompare([]byte(k.sum(p, plain)), []byte(p.mac)) == 1
}
