package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"errors"
)

// A fileCipher encrypts the private part of an openssh-key-v1 file. The names
// and sizes are those of PROTOCOL.key and of the transport's ciphers.
type fileCipher struct {
	name     string
	key, iv  int // bytes taken from the key derivation
	block    int // the plaintext is padded to a multiple of it
	tag      int // bytes of the tag behind the ciphertext
	newBlock func(key []byte) (cipher.Block, error)
	// open decrypts and seal encrypts text in place. A tag that is wrong is
	// an error.
	open, seal func(b cipher.Block, iv, text, tag []byte) error
}

// DefaultCipher is what private keys are encrypted with, as ssh-keygen does.
const DefaultCipher = "aes256-ctr"

var fileCiphers = [...]fileCipher{
	{"aes256-ctr", 32, 16, 16, 0, aes.NewCipher, ctr, ctr},
	{"aes192-ctr", 24, 16, 16, 0, aes.NewCipher, ctr, ctr},
	{"aes128-ctr", 16, 16, 16, 0, aes.NewCipher, ctr, ctr},
	{"aes256-gcm@openssh.com", 32, 12, 16, 16, aes.NewCipher, openGCM, sealGCM},
	{"aes128-gcm@openssh.com", 16, 12, 16, 16, aes.NewCipher, openGCM, sealGCM},
	{"aes256-cbc", 32, 16, 16, 0, aes.NewCipher, openCBC, sealCBC},
	{"aes192-cbc", 24, 16, 16, 0, aes.NewCipher, openCBC, sealCBC},
	{"aes128-cbc", 16, 16, 16, 0, aes.NewCipher, openCBC, sealCBC},
	{"3des-cbc", 24, 8, 8, 0, des.NewTripleDESCipher, openCBC, sealCBC},
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

func ctr(b cipher.Block, iv, text, _ []byte) error {
	cipher.NewCTR(b, iv).XORKeyStream(text, text)
	return nil
}

func openCBC(b cipher.Block, iv, text, _ []byte) error {
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(text, text)
	return nil
}

func sealCBC(b cipher.Block, iv, text, _ []byte) error {
	cipher.NewCBCEncrypter(b, iv).CryptBlocks(text, text)
	return nil
}

var errTag = errors.New("tag does not match")

func openGCM(b cipher.Block, iv, text, tag []byte) error {
	gcm, err := cipher.NewGCM(b)
	if err != nil {
		return err
	}
	sealed := append(append(make([]byte, 0, len(text)+len(tag)), text...), tag...)
	if _, err := gcm.Open(text[:0], iv, sealed, nil); err != nil {
		return errTag
	}
	return nil
}

func sealGCM(b cipher.Block, iv, text, tag []byte) error {
	gcm, err := cipher.NewGCM(b)
	if err != nil {
		return err
	}
	sealed := gcm.Seal(nil, iv, text, nil)
	copy(tag, sealed[copy(text, sealed):])
	return nil
}
