package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"errors"

	"golang.org/x/crypto/chacha20"
	//lint:ignore SA1019 it is deprecated for those who can use an AEAD as it is; OpenSSH's construction has another nonce and padding
	"golang.org/x/crypto/poly1305"
)

// A fileCipher encrypts the private part of an openssh-key-v1 file. The names
// and sizes are those of PROTOCOL.key and of the transport's ciphers.
type fileCipher struct {
	name       string
	key, iv    int // bytes taken from the key derivation
	block      int // the plaintext is padded to a multiple of it
	tag        int // bytes of the tag behind the ciphertext
	open, seal transform
}

// A transform decrypts or encrypts text in place, and checks or writes the tag.
// A tag that is wrong is an errTag.
type transform func(key, iv, text, tag []byte) error

// DefaultCipher is what private keys are encrypted with, as ssh-keygen does.
const DefaultCipher = "aes256-ctr"

var fileCiphers = [...]fileCipher{
	{"aes256-ctr", 32, 16, 16, 0, ctr, ctr},
	{"aes192-ctr", 24, 16, 16, 0, ctr, ctr},
	{"aes128-ctr", 16, 16, 16, 0, ctr, ctr},
	{"aes256-gcm@openssh.com", 32, 12, 16, 16, openGCM, sealGCM},
	{"aes128-gcm@openssh.com", 16, 12, 16, 16, openGCM, sealGCM},
	{"chacha20-poly1305@openssh.com", 64, 0, 8, poly1305.TagSize, openChacha, sealChacha},
	{"aes256-cbc", 32, 16, 16, 0, openCBC, sealCBC},
	{"aes192-cbc", 24, 16, 16, 0, openCBC, sealCBC},
	{"aes128-cbc", 16, 16, 16, 0, openCBC, sealCBC},
	{"3des-cbc", 24, 8, 8, 0, open3DES, seal3DES},
}

func lookupCipher(name string) *fileCipher {
	for i := range fileCiphers {
		if fileCiphers[i].name == name {
			return &fileCiphers[i]
		}
	}
	return nil
}

// Ciphers returns the names of the ciphers that private keys can be encrypted
// with. The caller owns the slice.
func Ciphers() []string {
	names := make([]string, len(fileCiphers))
	for i := range fileCiphers {
		names[i] = fileCiphers[i].name
	}
	return names
}

func ctr(key, iv, text, _ []byte) error {
	b, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	cipher.NewCTR(b, iv).XORKeyStream(text, text)
	return nil
}

func openCBC(key, iv, text, _ []byte) error {
	b, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(text, text)
	return nil
}

func sealCBC(key, iv, text, _ []byte) error {
	b, err := aes.NewCipher(key)
	if err != nil {
		return err
	}
	cipher.NewCBCEncrypter(b, iv).CryptBlocks(text, text)
	return nil
}

func open3DES(key, iv, text, _ []byte) error {
	b, err := des.NewTripleDESCipher(key)
	if err != nil {
		return err
	}
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(text, text)
	return nil
}

func seal3DES(key, iv, text, _ []byte) error {
	b, err := des.NewTripleDESCipher(key)
	if err != nil {
		return err
	}
	cipher.NewCBCEncrypter(b, iv).CryptBlocks(text, text)
	return nil
}

var errTag = errors.New("tag does not match")

func gcm(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

func openGCM(key, iv, text, tag []byte) error {
	aead, err := gcm(key)
	if err != nil {
		return err
	}
	sealed := append(append(make([]byte, 0, len(text)+len(tag)), text...), tag...)
	if _, err := aead.Open(text[:0], iv, sealed, nil); err != nil {
		return errTag
	}
	return nil
}

func sealGCM(key, iv, text, tag []byte) error {
	aead, err := gcm(key)
	if err != nil {
		return err
	}
	sealed := aead.Seal(nil, iv, text, nil)
	copy(tag, sealed[copy(text, sealed):])
	return nil
}

// chachaOf returns the stream for a file's text and the key of its tag. A file
// is what PROTOCOL.chacha20poly1305 makes of packet number 0 without a length:
// nonce 0, block 0 for the tag's key, the text from block 1 on, and the second
// half of the key, which is for lengths, unused.
func chachaOf(key []byte) (*chacha20.Cipher, *[32]byte, error) {
	s, err := chacha20.NewUnauthenticatedCipher(key[:chacha20.KeySize], make([]byte, chacha20.NonceSize))
	if err != nil {
		return nil, nil, err
	}
	var poly [32]byte
	s.XORKeyStream(poly[:], poly[:])
	s.SetCounter(1)
	return s, &poly, nil
}

func openChacha(key, _, text, tag []byte) error {
	s, poly, err := chachaOf(key)
	if err != nil {
		return err
	}
	if !poly1305.Verify((*[poly1305.TagSize]byte)(tag), text, poly) {
		return errTag
	}
	s.XORKeyStream(text, text)
	return nil
}

func sealChacha(key, _, text, tag []byte) error {
	s, poly, err := chachaOf(key)
	if err != nil {
		return err
	}
	s.XORKeyStream(text, text)
	poly1305.Sum((*[poly1305.TagSize]byte)(tag), text, poly)
	return nil
}
