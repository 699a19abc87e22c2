package keyfile

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/internal/bcryptpbkdf"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// An openssh-key-v1 file (PROTOCOL.key) is, in base64 between its marks:
//
//	"openssh-key-v1\0" cipher kdf kdfoptions count=1 public-blob private tag
//	                                                             │
//	        check check type private-fields comment 1 2 3 … ◄─encrypted
const (
	opensshMagic = "openssh-key-v1\x00"
	opensshBlock = "OPENSSH PRIVATE KEY"
	// plainBlock is what the private part is padded to without a cipher.
	plainBlock = 8
	// lineLength is where OpenSSH breaks the base64.
	lineLength = 70
)

// An opensshFile is a file with its private part still closed.
type opensshFile struct {
	cipher  *fileCipher // nil: not encrypted
	salt    []byte
	rounds  int
	public  []byte // blob
	private []byte
	tag     []byte
}

func parseOpenSSH(b []byte) (*opensshFile, error) {
	rest, ok := bytes.CutPrefix(b, []byte(opensshMagic))
	if !ok {
		return nil, malformed("it does not begin with openssh-key-v1", nil)
	}
	r := wire.NewReader(rest)
	name, kdf, options, count := r.Bytes(), r.Bytes(), r.Bytes(), r.Uint32()
	f := &opensshFile{public: r.Bytes(), private: r.Bytes()}
	f.tag = r.Rest()
	if err := r.Err(); err != nil {
		return nil, malformed("it is damaged", err)
	}
	if count != 1 {
		return nil, malformed(fmt.Sprintf("it holds %d keys, one is read", count), nil)
	}
	if err := f.setCipher(name, kdf, options); err != nil {
		return nil, err
	}
	block, tag := plainBlock, 0
	if f.cipher != nil {
		block, tag = f.cipher.block, f.cipher.tag
	}
	if len(f.private) == 0 || len(f.private)%block != 0 || len(f.tag) != tag {
		return nil, malformed("its private part has a wrong length", nil)
	}
	return f, nil
}

// sealedOpenSSH is the parse of [FormatOpenSSH].
func sealedOpenSSH(text []byte) (*sealed, error) {
	block := findBlock(text, opensshBlock)
	if block == nil {
		return nil, explain(text)
	}
	f, err := parseOpenSSH(block.Bytes)
	if err != nil {
		return nil, err
	}
	public, err := key.ParsePublic(f.public)
	if err != nil {
		return nil, cantRead(err)
	}
	return &sealed{public: public, encrypted: f.cipher != nil, open: f.open}, nil
}

func (f *opensshFile) setCipher(name, kdf, options []byte) error {
	if string(kdf) == "none" && string(name) == "none" {
		if len(options) != 0 {
			return malformed("it has options for no key derivation", nil)
		}
		return nil
	}
	if string(kdf) != "bcrypt" {
		return &UnsupportedError{What: fmt.Sprintf("key derivation %q with cipher %q", kdf, name)}
	}
	if f.cipher = lookupCipher(string(name)); f.cipher == nil {
		return &UnsupportedError{
			What: fmt.Sprintf("cipher %q", name),
			Hint: "change it with: ssh-keygen -p -Z aes256-ctr -f FILE",
		}
	}
	r := wire.NewReader(options)
	f.salt = r.Bytes()
	rounds := r.Uint32()
	if err := r.End(); err != nil {
		return malformed("its key derivation options are damaged", err)
	}
	if rounds == 0 || rounds > MaxRounds || len(f.salt) == 0 || len(f.salt) > maxSalt {
		return malformed(fmt.Sprintf("it asks for %d rounds of key derivation with %d bytes of salt; 1 to %d with 1 to %d are done",
			rounds, len(f.salt), MaxRounds, maxSalt), nil)
	}
	f.rounds = int(rounds)
	return nil
}

// open decrypts the private part in place and reads it.
func (f *opensshFile) open(passphrase []byte) (*key.Private, string, error) {
	if f.cipher != nil {
		err := f.cipher.apply(passphrase, f.salt, f.rounds, f.cipher.open, f.private, f.tag)
		if errors.Is(err, errTag) {
			return nil, "", &PassphraseError{Wrong: true, Public: f.publicKey()}
		}
		if err != nil {
			return nil, "", malformed("it does not decrypt", err)
		}
	}
	r := wire.NewReader(f.private)
	if check, again := r.Uint32(), r.Uint32(); check != again {
		if f.cipher == nil {
			return nil, "", malformed("its check numbers differ", nil)
		}
		return nil, "", &PassphraseError{Wrong: true, Public: f.publicKey()}
	}
	k, err := key.ReadPrivate(&r)
	if err != nil {
		return nil, "", cantRead(err)
	}
	comment := r.String()
	padding := r.Rest()
	if err := r.Err(); err != nil {
		return nil, "", malformed("it is damaged", err)
	}
	for i, b := range padding {
		if b != byte(i+1) {
			return nil, "", malformed("its padding is damaged", nil)
		}
	}
	if len(padding) > 255 {
		return nil, "", malformed("its padding is too long", nil)
	}
	if !bytes.Equal(k.Public().Blob(), f.public) {
		return nil, "", malformed("its public key is another one than its private key", nil)
	}
	return k, comment, nil
}

// cantRead is the error of a file whose key the package key did not take.
func cantRead(err error) error {
	var unsupported *key.UnsupportedError
	if errors.As(err, &unsupported) {
		return &UnsupportedError{What: fmt.Sprintf("key type %q", unsupported.Type)}
	}
	return malformed("its key can't be used", err)
}

// publicKey is what the file shows without its passphrase, nil if it can't be
// read.
func (f *opensshFile) publicKey() key.Public {
	k, err := key.ParsePublic(f.public)
	if err != nil {
		return nil
	}
	return k
}

// apply derives key and IV from a passphrase and runs step, which is the
// cipher's open or seal.
func (c *fileCipher) apply(passphrase, salt []byte, rounds int, step transform, text, tag []byte) error {
	if len(passphrase) == 0 {
		return errTag // what no passphrase opens; the derivation would refuse it
	}
	secret, err := bcryptpbkdf.Key(passphrase, salt, rounds, c.key+c.iv)
	if err != nil {
		return err
	}
	defer clear(secret)
	return step(secret[:c.key], secret[c.key:], text, tag)
}

// Encryption says how a private key file is encrypted. The zero value is what
// ssh-keygen does today.
type Encryption struct {
	Cipher string // "": DefaultCipher
	Rounds int    // 0: DefaultRounds
}

// MarshalPrivate writes an openssh-key-v1 file. An empty passphrase leaves it
// unencrypted. The caller owns the result, which is secret.
func MarshalPrivate(k *key.Private, comment string, passphrase []byte) ([]byte, error) {
	return MarshalPrivateAs(k, comment, passphrase, Encryption{})
}

// MarshalPrivateAs is [MarshalPrivate] with a choice of the encryption.
func MarshalPrivateAs(k *key.Private, comment string, passphrase []byte, e Encryption) ([]byte, error) {
	var check [4]byte
	rand.Read(check[:])
	private := append(append([]byte(nil), check[:]...), check[:]...)
	private, err := key.AppendPrivate(private, k)
	if err != nil {
		return nil, err
	}
	private = wire.AppendString(private, comment)
	f := &opensshFile{public: k.Public().Blob(), private: private}
	if err := f.seal(passphrase, e); err != nil {
		return nil, err
	}
	return armor(opensshBlock, f.encode()), nil
}

// seal pads the private part and, with a passphrase, encrypts it.
func (f *opensshFile) seal(passphrase []byte, e Encryption) error {
	if len(passphrase) == 0 {
		f.private = pad(f.private, plainBlock)
		return nil
	}
	if e.Cipher == "" {
		e.Cipher = DefaultCipher
	}
	if e.Rounds == 0 {
		e.Rounds = DefaultRounds
	}
	if f.cipher = lookupCipher(e.Cipher); f.cipher == nil {
		return fmt.Errorf("private keys can't be encrypted with %q", e.Cipher)
	}
	if e.Rounds < 1 || e.Rounds > MaxRounds {
		return fmt.Errorf("%d rounds of key derivation are out of range, 1 to %d are taken", e.Rounds, MaxRounds)
	}
	f.rounds, f.salt = e.Rounds, make([]byte, 16)
	rand.Read(f.salt)
	f.private = pad(f.private, f.cipher.block)
	f.tag = make([]byte, f.cipher.tag)
	return f.cipher.apply(passphrase, f.salt, f.rounds, f.cipher.seal, f.private, f.tag)
}

func (f *opensshFile) encode() []byte {
	name, kdf, options := "none", "none", []byte(nil)
	if f.cipher != nil {
		name, kdf = f.cipher.name, "bcrypt"
		options = wire.AppendUint32(wire.AppendString(nil, f.salt), uint32(f.rounds))
	}
	b := append([]byte(nil), opensshMagic...)
	b = wire.AppendString(b, name)
	b = wire.AppendString(b, kdf)
	b = wire.AppendString(b, options)
	b = binary.BigEndian.AppendUint32(b, 1)
	b = wire.AppendString(b, f.public)
	b = wire.AppendString(b, f.private)
	return append(b, f.tag...)
}

// pad appends 1, 2, 3 … up to a multiple of block.
func pad(b []byte, block int) []byte {
	for i := byte(1); len(b)%block != 0; i++ {
		b = append(b, i)
	}
	return b
}

// armor is PEM with OpenSSH's line length; encoding/pem breaks at 64.
func armor(block string, b []byte) []byte {
	text := base64.StdEncoding.EncodeToString(b)
	out := append(make([]byte, 0, len(text)*72/70+80), "-----BEGIN "+block+"-----\n"...)
	for len(text) > lineLength {
		out = append(append(out, text[:lineLength]...), '\n')
		text = text[lineLength:]
	}
	out = append(append(out, text...), '\n')
	return append(out, "-----END "+block+"-----\n"...)
}
