package keyfile

import (
	"encoding/pem"

	"github.com/nacre-ssh/nacre/key"
)

// A pemForm is one of the PEM forms that hold a bare key of one type, OpenSSL's
// "traditional" ones.
type pemForm struct {
	block string // the name between the PEM marks
	what  string
	parse func(der []byte) (*key.Private, error)
}

func pemForms() []pemForm {
	return []pemForm{
		{"RSA PRIVATE KEY", "PKCS#1", parsePKCS1}, // RFC 8017, appendix A.1.2
		{"EC PRIVATE KEY", "SEC1", parseSEC1},     // RFC 5915
		{"DSA PRIVATE KEY", "DSA", parseDSADER},   // OpenSSL's own
	}
}

// findBlock returns the first PEM block with one of the names, nil if there is
// none among the first ones: OpenSSL writes "EC PARAMETERS" before a key.
func findBlock(text []byte, names ...string) *pem.Block {
	for range maxBlocks {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil
		}
		for _, name := range names {
			if block.Type == name {
				return block
			}
		}
		text = rest
	}
	return nil
}

// parsePEM is the parse of [FormatPEM].
func parsePEM(text []byte) (*sealed, error) {
	for _, form := range pemForms() {
		if block := findBlock(text, form.block); block != nil {
			return form.seal(block)
		}
	}
	return nil, explain(text)
}

func (f pemForm) seal(block *pem.Block) (*sealed, error) {
	if len(block.Bytes) > maxDER {
		return nil, malformed("its key is too large", nil)
	}
	if block.Headers["DEK-Info"] == "" && block.Headers["Proc-Type"] == "" {
		return &sealed{open: func([]byte) (*key.Private, string, error) {
			k, err := f.parse(block.Bytes)
			if err != nil {
				return nil, "", damagedDER(f.what, err)
			}
			return k, "", nil
		}}, nil
	}
	c, iv, err := legacyCipher(block.Headers)
	if err != nil {
		return nil, err
	}
	return &sealed{encrypted: true, open: func(passphrase []byte) (*key.Private, string, error) {
		der, ok := c.open(block.Bytes, passphrase, iv)
		if !ok {
			return nil, "", &PassphraseError{Wrong: true}
		}
		defer clear(der)
		k, err := f.parse(der)
		if isDamage(err) { // one wrong passphrase in 256 leaves a padding that looks right
			return nil, "", &PassphraseError{Wrong: true}
		}
		if err != nil {
			return nil, "", damagedDER(f.what, err)
		}
		return k, "", nil
	}}, nil
}

// marshalPEM is the marshal of [FormatPEM]. The key derivation of its encrypted
// form is one round of MD5: a passphrase protects it badly.
func marshalPEM(k *key.Private, _ string, passphrase []byte, _ Encryption) ([]byte, error) {
	name, der, err := marshalTraditional(k)
	if err != nil {
		return nil, err
	}
	defer clear(der)
	block := &pem.Block{Type: name, Bytes: der}
	if len(passphrase) > 0 {
		legacyCiphers[0].seal(block, passphrase)
	}
	return pem.EncodeToMemory(block), nil
}
