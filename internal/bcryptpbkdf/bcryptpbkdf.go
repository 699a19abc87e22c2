package bcryptpbkdf

import (
	"crypto/sha512"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	//lint:ignore SA1019 it is deprecated for new formats; this one is old
	"golang.org/x/crypto/blowfish"
)

// Limits of Key. OpenBSD has the same for the key and the salt, and none for the
// rounds, of which ssh-keygen makes 24: each takes milliseconds, and the number
// comes from the file.
const (
	MaxKeyLen  = 1024 // bytes
	MaxSaltLen = 1 << 20
	MaxRounds  = 1 << 20
)

// What bcrypt encrypts here, 64 times.
const (
	blockSize = 32
	magic     = "OxychromaticBlowfishSwatDynamite"
)

// Key derives keyLen bytes. Its time grows with rounds and with every 32 bytes
// of keyLen. As in OpenBSD, neither password nor salt may be empty. It keeps
// none of its arguments.
func Key(password, salt []byte, rounds, keyLen int) ([]byte, error) {
	switch {
	case len(password) == 0:
		return nil, errors.New("bcrypt_pbkdf: the passphrase is empty")
	case len(salt) == 0 || len(salt) > MaxSaltLen:
		return nil, fmt.Errorf("bcrypt_pbkdf: a salt of %d bytes", len(salt))
	case rounds < 1 || rounds > MaxRounds:
		return nil, fmt.Errorf("bcrypt_pbkdf: %d rounds; 1 to %d are possible", rounds, MaxRounds)
	case keyLen < 1 || keyLen > MaxKeyLen:
		return nil, fmt.Errorf("bcrypt_pbkdf: a key of %d bytes; 1 to %d are possible", keyLen, MaxKeyLen)
	}
	pass := sha512.Sum512(password)
	key := make([]byte, keyLen)
	// The bytes of a block are not neighbours in the key, so that nobody can
	// compute a part of the key for a part of the price.
	blocks := (keyLen + blockSize - 1) / blockSize
	// Blocks need nothing from each other, and a person waits: all at once.
	var wg sync.WaitGroup
	for b := range blocks {
		input := make([]byte, len(salt), len(salt)+4)
		copy(input, salt)
		input = binary.BigEndian.AppendUint32(input, uint32(b+1))
		wg.Go(func() {
			block := derive(&pass, input, rounds)
			for i := 0; i*blocks+b < keyLen; i++ {
				key[i*blocks+b] = block[i]
			}
		})
	}
	wg.Wait()
	return key, nil
}

// derive is PBKDF2's chain of rounds for one block.
func derive(pass *[sha512.Size]byte, input []byte, rounds int) (out [blockSize]byte) {
	for range rounds {
		salt := sha512.Sum512(input)
		last := hash(pass, &salt)
		subtle.XORBytes(out[:], out[:], last[:])
		input = last[:]
	}
	return out
}

// hash is bcrypt with cost 6, another text and another order of bytes.
func hash(pass, salt *[sha512.Size]byte) (out [blockSize]byte) {
	c, err := blowfish.NewSaltedCipher(pass[:], salt[:])
	if err != nil {
		panic("bcrypt_pbkdf: " + err.Error()) // only for an empty key, which a hash is not
	}
	for range 64 {
		blowfish.ExpandKey(salt[:], c)
		blowfish.ExpandKey(pass[:], c)
	}
	copy(out[:], magic)
	for i := 0; i < blockSize; i += blowfish.BlockSize {
		block := out[i : i+blowfish.BlockSize]
		for range 64 {
			c.Encrypt(block, block)
		}
	}
	for i := 0; i < blockSize; i += 4 {
		binary.LittleEndian.PutUint32(out[i:], binary.BigEndian.Uint32(out[i:]))
	}
	return out
}
