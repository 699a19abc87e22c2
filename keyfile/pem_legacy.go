package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"strings"
)

// A legacy is a cipher of PEM's own encryption (RFC 1421, section 4.6.1.1, with
// OpenSSL's names).
type legacy struct {
	name     string
	key      int // bytes
	newBlock func(key []byte) (cipher.Block, error)
}

// legacyCiphers are those that are read; the first is written.
var legacyCiphers = [...]legacy{
	{"AES-128-CBC", 16, aes.NewCipher},
	{"AES-192-CBC", 24, aes.NewCipher},
	{"AES-256-CBC", 32, aes.NewCipher},
	{"DES-EDE3-CBC", 24, des.NewTripleDESCipher},
}

// legacyCipher reads "DEK-Info: AES-128-CBC,hex of the IV".
func legacyCipher(headers map[string]string) (*legacy, []byte, error) {
	name, digits, _ := strings.Cut(headers["DEK-Info"], ",")
	if !strings.HasSuffix(headers["Proc-Type"], ",ENCRYPTED") {
		return nil, nil, malformed("its header doesn't say how it is encrypted", nil)
	}
	for i := range legacyCiphers {
		if !strings.EqualFold(legacyCiphers[i].name, name) {
			continue
		}
		iv, err := hex.DecodeString(digits)
		if err != nil || len(iv) != legacyCiphers[i].ivSize() {
			return nil, nil, malformed("its initialization vector is damaged", err)
		}
		return &legacyCiphers[i], iv, nil
	}
	return nil, nil, &UnsupportedError{What: fmt.Sprintf("PEM encrypted with %q", name)}
}

func (c *legacy) ivSize() int {
	if c.key == 24 && c.name == "DES-EDE3-CBC" {
		return des.BlockSize
	}
	return aes.BlockSize
}

// derive is OpenSSL's EVP_BytesToKey with MD5 and one round; the IV's first
// bytes are the salt.
func (c *legacy) derive(passphrase, iv []byte) []byte {
	var secret, last []byte
	for len(secret) < c.key {
		h := md5.New()
		h.Write(last)
		h.Write(passphrase)
		h.Write(iv[:8])
		last = h.Sum(nil)
		secret = append(secret, last...)
	}
	return secret[:c.key]
}

// open returns the text, or false where the passphrase is wrong.
func (c *legacy) open(sealed, passphrase, iv []byte) ([]byte, bool) {
	secret := c.derive(passphrase, iv)
	defer clear(secret)
	return openPadded(c.newBlock, secret, iv, sealed)
}

// seal encrypts a block's bytes in place of the plain ones.
func (c *legacy) seal(block *pem.Block, passphrase []byte) {
	iv := make([]byte, c.ivSize())
	rand.Read(iv)
	secret := c.derive(passphrase, iv)
	defer clear(secret)
	block.Bytes = sealPadded(c.newBlock, secret, iv, block.Bytes)
	block.Headers = map[string]string{
		"Proc-Type": "4,ENCRYPTED",
		"DEK-Info":  c.name + "," + strings.ToUpper(hex.EncodeToString(iv)),
	}
}

// openPadded decrypts CBC and takes the padding off (RFC 8018, section 6.1.1).
// It reports false when the padding is wrong. The caller owns the result.
func openPadded(newBlock func([]byte) (cipher.Block, error), key, iv, sealed []byte) ([]byte, bool) {
	b, err := newBlock(key)
	if err != nil || len(sealed) == 0 || len(sealed)%b.BlockSize() != 0 || len(iv) != b.BlockSize() {
		return nil, false
	}
	text := make([]byte, len(sealed))
	cipher.NewCBCDecrypter(b, iv).CryptBlocks(text, sealed)
	n := int(text[len(text)-1])
	if n == 0 || n > b.BlockSize() {
		return nil, false
	}
	for _, c := range text[len(text)-n:] {
		if int(c) != n {
			return nil, false
		}
	}
	return text[:len(text)-n], true
}

// sealPadded pads and encrypts a copy of text. The key and the IV must have the
// cipher's sizes.
func sealPadded(newBlock func([]byte) (cipher.Block, error), key, iv, text []byte) []byte {
	b, err := newBlock(key)
	if err != nil {
		panic("keyfile: key of a wrong size")
	}
	n := b.BlockSize() - len(text)%b.BlockSize()
	out := make([]byte, len(text), len(text)+n)
	copy(out, text)
	for range n {
		out = append(out, byte(n))
	}
	cipher.NewCBCEncrypter(b, iv).CryptBlocks(out, out)
	return out
}
