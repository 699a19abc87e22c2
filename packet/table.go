package packet

import "fmt"

// A cipherRow is one cipher of the table.
type cipherRow struct {
	name    string
	iv, key int // bytes
	block   int // bytes that an encrypted packet is a multiple of
	aead    bool
	sealer  func(m *macRow, k Keys) (Sealer, error)
	opener  func(m *macRow, k Keys) (Opener, error)
}

// A macRow is one MAC of the table.
type macRow struct {
	name      string
	key, size int // bytes
	etm       bool
	make      func(key []byte) (mac, error)
}

// noMAC stands beside ciphers that authenticate by themselves.
var noMAC = &macRow{name: "<implicit>"}

// ciphers and macs are in the order in which they are offered; a function, so
// that starting the program builds nothing.
func ciphers() []*cipherRow {
	return []*cipherRow{
		&aes128gcm, &aes256gcm, &chacha20poly1305,
		&aes128ctr, &aes192ctr, &aes256ctr,
		&aes128cbc, &aes192cbc, &aes256cbc, &tripleDESCBC,
	}
}

func macs() []*macRow {
	return []*macRow{
		&umac64etm, &umac128etm, &hmac256etm, &hmac512etm, &hmacSHA1etm,
		&umac64, &umac128, &hmac256, &hmac512, &hmacSHA1,
	}
}

// None is the name of the cipher before the first key exchange. It can't be
// negotiated.
const None = "none"

// Ciphers lists the names of all known ciphers, best first.
func Ciphers() []string {
	var names []string
	for _, c := range ciphers() {
		names = append(names, c.name)
	}
	return names
}

// MACs lists the names of all known MACs, best first.
func MACs() []string {
	var names []string
	for _, m := range macs() {
		names = append(names, m.name)
	}
	return names
}

// DefaultCiphers lists the ciphers offered unless told otherwise: AES-GCM first
// on processors with AES, else ChaCha20.
func DefaultCiphers() []string {
	gcm := []string{aes128gcm.name, aes256gcm.name}
	chacha := []string{chacha20poly1305.name}
	first, second := gcm, chacha
	if !hasAES() {
		first, second = chacha, gcm
	}
	list := append(append([]string{}, first...), second...)
	return append(list, aes128ctr.name, aes192ctr.name, aes256ctr.name)
}

// DefaultMACs lists the MACs offered unless told otherwise, in OpenSSH's order
// without SHA-1.
func DefaultMACs() []string {
	return []string{
		umac64etm.name, umac128etm.name, hmac256etm.name, hmac512etm.name,
		umac64.name, umac128.name, hmac256.name, hmac512.name,
	}
}

// Authenticates reports whether a cipher needs no MAC beside it.
func Authenticates(cipher string) bool {
	for _, c := range ciphers() {
		if c.name == cipher {
			return c.aead
		}
	}
	return false
}

// TerrapinProne reports whether a cipher with a MAC loses packets unseen to a
// prefix truncation unless strict key exchange is in force (CVE-2023-48795).
func TerrapinProne(cipher, mac string) bool {
	c, m, err := lookup(cipher, mac)
	if err != nil {
		return false
	}
	return c == &chacha20poly1305 || m.etm && (c == &aes128cbc || c == &aes192cbc || c == &aes256cbc || c == &tripleDESCBC)
}

// BlockSize is the cipher's block in bytes, on which limits for rekeying depend
// (RFC 4344, section 3.2).
func BlockSize(cipher string) int {
	for _, c := range ciphers() {
		if c.name == cipher {
			return c.block
		}
	}
	return 8
}

func lookup(cipher, mac string) (*cipherRow, *macRow, error) {
	for _, c := range ciphers() {
		if c.name != cipher {
			continue
		}
		if c.aead {
			return c, noMAC, nil
		}
		for _, m := range macs() {
			if m.name == mac {
				return c, m, nil
			}
		}
		return nil, nil, fmt.Errorf("unknown MAC %q", mac)
	}
	return nil, nil, fmt.Errorf("unknown cipher %q", cipher)
}
