package keyfile

import (
	"bytes"
	"crypto/des"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math/big"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// The text around ssh.com's private keys, and what they begin with in binary.
// Nobody wrote the format down; this is what PuTTY and OpenSSH read.
const (
	sshcomBegin = "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
	sshcomEnd   = "---- END SSH2 ENCRYPTED PRIVATE KEY ----"
	sshcomMagic = 0x3f6ff9eb

	sshcomColumns  = 70
	sshcomCipher   = "3des-cbc"
	maxSSHComLines = 4096
	// maxSSHComHeader caps a header with its continuations, in bytes.
	maxSSHComHeader = 8192
)

// sshcomForms are the types that there are.
var sshcomForms = [...]sshcomForm{
	// e, d, n, q^-1 mod p, q, p
	{key.TypeRSA, "if-modn{sign{rsa", "if-modn{sign{rsa-pkcs1-sha1},encrypt{rsa-pkcs1v2-oaep}}", []int{0, 2, 1, 5, 4, 3}},
	// p, g, q, y, x
	{key.TypeDSA, "dl-modp{sign{dsa", "dl-modp{sign{dsa-nist-sha1},dh{plain}}", []int{0, 2, 1, 3, 4}},
}

type sshcomForm struct {
	name string // ours
	// prefix is what the file's name for the type begins with; full is
	// what is written.
	prefix, full string
	// order gives the place of each of the file's numbers in public and
	// private fields, one after the other.
	order []int
}

func isSSHCom(text []byte) bool { return bytes.HasPrefix(text, []byte(sshcomBegin)) }

// parseSSHCom is the parse of [FormatSSHCom]. The public key is encrypted, too.
func parseSSHCom(text []byte) (*sealed, error) {
	blob, comment, err := sshcomBody(text)
	if err != nil {
		return nil, malformed("its text is damaged", err)
	}
	r := wire.NewReader(blob)
	magic, _ := r.Uint32(), r.Uint32() // the length is written by some in another way
	typ, cipher, body := r.String(), r.String(), r.Bytes()
	if err := r.Err(); err != nil {
		return nil, malformed("it is damaged", err)
	}
	if magic != sshcomMagic {
		return nil, malformed("its body is not an ssh.com key", nil)
	}
	form := -1
	for i := range sshcomForms {
		if strings.HasPrefix(typ, sshcomForms[i].prefix) {
			form = i
		}
	}
	if form < 0 {
		return nil, &UnsupportedError{What: "ssh.com key that is neither RSA nor DSA"}
	}
	s := &sealed{comment: comment, encrypted: cipher == sshcomCipher}
	if !s.encrypted && cipher != "none" {
		return nil, &UnsupportedError{What: "ssh.com key with another encryption than " + sshcomCipher}
	}
	if s.encrypted && len(body)%des.BlockSize != 0 {
		return nil, malformed("it is not made of whole blocks", nil)
	}
	s.open = func(passphrase []byte) (*key.Private, string, error) {
		k, err := openSSHCom(form, body, passphrase, s.encrypted)
		return k, comment, err
	}
	return s, nil
}

// openSSHCom decrypts in place. The format has no MAC: what doesn't fit together
// after decryption is called a wrong passphrase.
func openSSHCom(form int, body, passphrase []byte, encrypted bool) (*key.Private, error) {
	if encrypted {
		if len(passphrase) == 0 {
			return nil, &PassphraseError{Wrong: true}
		}
		if err := open3DES(sshcomKey(passphrase), make([]byte, des.BlockSize), body, nil); err != nil {
			return nil, err
		}
	}
	k, err := readSSHCom(form, body)
	var size *key.SizeError
	switch {
	case err == nil:
		return k, nil
	case encrypted && !errors.As(err, &size):
		return nil, &PassphraseError{Wrong: true}
	}
	return nil, unusable(err)
}

func readSSHCom(form int, body []byte) (*key.Private, error) {
	outer := wire.NewReader(body)
	r := wire.NewReader(outer.Bytes())
	if err := outer.Err(); err != nil {
		return nil, err
	}
	f := &sshcomForms[form]
	if f.name == key.TypeDSA && r.Uint32() != 0 {
		return nil, errors.New("it refers to a group that isn't in the file")
	}
	list := make([][]byte, len(f.order))
	for _, place := range f.order {
		bits := r.Uint32()
		if bits > 8*maxDER {
			return nil, errors.New("a number is too large")
		}
		number := r.Take(int(bits+7) / 8)
		list[place] = wire.AppendMpintBytes(nil, number)[4:]
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	p := &parts{name: f.name}
	public := lookupParts(f.name).public
	p.public, p.private = list[:public], list[public:]
	return p.join()
}

// sshcomKey is MD5's idea of a key derivation.
func sshcomKey(passphrase []byte) []byte {
	first := md5.Sum(passphrase)
	second := md5.Sum(append(append([]byte(nil), passphrase...), first[:]...))
	return append(first[:], second[:]...)[:24]
}

// sshcomBody reads headers and base64. Headers can go on in the next line behind
// a backslash; the comment may be in quotes, which have no escapes.
func sshcomBody(text []byte) (blob []byte, comment string, err error) {
	r := &ppkReader{rest: text}
	r.line()
	var encoded []byte
	for range maxSSHComLines {
		line := r.line()
		if r.err != nil {
			return nil, "", r.err
		}
		name, value, header := strings.Cut(line, ":")
		switch {
		case line == sshcomEnd:
			blob, err := base64.StdEncoding.AppendDecode(nil, encoded)
			if err != nil {
				return nil, "", errors.New("its body is no base64")
			}
			return blob, comment, nil
		case !header:
			encoded = append(encoded, strings.TrimSpace(line)...)
			continue
		case len(encoded) > 0:
			return nil, "", errors.New("a header is in its body")
		}
		for strings.HasSuffix(value, `\`) && r.err == nil && len(value) <= maxSSHComHeader {
			value = value[:len(value)-1] + r.line()
		}
		if len(value) > maxSSHComHeader {
			return nil, "", errors.New("a header is too long")
		}
		if name == "Comment" {
			comment = unquote(strings.TrimLeft(value, " \t"))
		}
	}
	return nil, "", errors.New("it has too many lines")
}

func unquote(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		return s[1 : len(s)-1]
	}
	return s
}

// marshalSSHCom is the marshal of [FormatSSHCom].
func marshalSSHCom(k *key.Private, comment string, passphrase []byte, e Encryption) ([]byte, error) {
	form := -1
	for i := range sshcomForms {
		if sshcomForms[i].name == k.Public().Type() {
			form = i
		}
	}
	if form < 0 {
		return nil, cantHold(FormatSSHCom, k)
	}
	if e.Cipher != "" && e.Cipher != sshcomCipher {
		return nil, errors.New("ssh.com's keys can't be encrypted with " + e.Cipher + ", only with " + sshcomCipher)
	}
	p, err := splitKey(k)
	if err != nil {
		return nil, err
	}
	p.largerFirst()
	f := &sshcomForms[form]
	body := f.append(append(p.public[:len(p.public):len(p.public)], p.private...))
	defer clear(body)
	cipher := "none"
	if len(passphrase) > 0 {
		cipher = sshcomCipher
		padding := make([]byte, -len(body)&(des.BlockSize-1))
		rand.Read(padding)
		body = append(body, padding...)
		if err := seal3DES(sshcomKey(passphrase), make([]byte, des.BlockSize), body, nil); err != nil {
			return nil, err
		}
	}
	blob := wire.AppendUint32(wire.AppendUint32(nil, sshcomMagic), 0)
	blob = wire.AppendString(blob, f.full)
	blob = wire.AppendString(blob, cipher)
	blob = wire.AppendString(blob, body)
	binary.BigEndian.PutUint32(blob[4:], uint32(len(blob)))
	return sshcomText(blob, comment), nil
}

// append makes the body of the numbers, given as fields: a string of them, each
// with its length in bits.
func (f *sshcomForm) append(list [][]byte) []byte {
	var b []byte
	if f.name == key.TypeDSA {
		b = wire.AppendUint32(b, 0) // the group is in the file
	}
	for _, place := range f.order {
		n := new(big.Int).SetBytes(list[place])
		b = append(wire.AppendUint32(b, uint32(n.BitLen())), n.Bytes()...)
	}
	return wire.AppendString(nil, b)
}

// sshcomText is the text around a key. The comment, where it is long, goes on
// behind a backslash; quotes in it are not escaped.
func sshcomText(blob []byte, comment string) []byte {
	comment = strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(comment)
	var b bytes.Buffer
	b.WriteString(sshcomBegin + "\nComment: \"")
	for room := sshcomColumns - len("Comment: \""); len(comment) > room; room = sshcomColumns {
		b.WriteString(comment[:room] + "\\\n")
		comment = comment[room:]
	}
	b.WriteString(comment + "\"\n")
	writeWrapped(&b, base64.StdEncoding.EncodeToString(blob), sshcomColumns)
	b.WriteString(sshcomEnd + "\n")
	return b.Bytes()
}
