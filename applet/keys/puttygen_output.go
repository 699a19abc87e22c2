package keys

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
)

// A puttyOutput is a word of -O.
type puttyOutput struct {
	name    string
	private bool // a private key file
	keeps   bool // the private half is in the output
	// from are the formats that this output leaves as they are: such a file is
	// changed in its place.
	from   []keyfile.Format
	render func(g *puttygen, k *puttyKey) ([]byte, error)
}

// puttyOutputs are all outputs; the first is the usual one.
func puttyOutputs() []puttyOutput {
	return []puttyOutput{
		{"private", true, true, []keyfile.Format{keyfile.FormatPPK}, (*puttygen).renderPPK},
		{"private-openssh", true, true, []keyfile.Format{keyfile.FormatPEM}, (*puttygen).renderOpenSSH},
		{"private-openssh-new", true, true, []keyfile.Format{keyfile.FormatOpenSSH}, renderFormat(keyfile.FormatOpenSSH)},
		{"private-sshcom", true, true, []keyfile.Format{keyfile.FormatSSHCom}, renderFormat(keyfile.FormatSSHCom)},
		{"public", false, false, nil, (*puttygen).renderRFC4716},
		{"public-openssh", false, false, nil, (*puttygen).renderLine},
		{"fingerprint", false, false, nil, (*puttygen).renderFingerprint},
		{"cert-info", false, false, nil, (*puttygen).renderCertificate},
		{"text", false, true, nil, (*puttygen).renderText},
	}
}

func puttyOutputNames() (names []string) {
	for _, o := range puttyOutputs() {
		names = append(names, o.name)
	}
	return names
}

// inPlace reports whether the output is of the input's own format.
func (o *puttyOutput) inPlace(f *puttyFile) bool { return slices.Contains(o.from, f.format) }

func (g *puttygen) renderPPK(k *puttyKey) ([]byte, error) {
	var certificate []byte
	if keyfile.IsCertificate(k.public) {
		certificate = k.public
	}
	text, err := keyfile.MarshalPPK(k.private, certificate, k.text(), g.passphrase(), g.params)
	if err != nil {
		return nil, fmt.Errorf("unable to save SSH-2 private key: %w", err)
	}
	return text, nil
}

// renderOpenSSH takes the older format where OpenSSH has one for the type.
func (g *puttygen) renderOpenSSH(k *puttyKey) ([]byte, error) {
	format := keyfile.FormatPEM
	if t := k.private.Public().Type(); t == key.TypeEd25519 || t == key.TypeEd448 {
		format = keyfile.FormatOpenSSH
	}
	return renderFormat(format)(g, k)
}

func renderFormat(f keyfile.Format) func(g *puttygen, k *puttyKey) ([]byte, error) {
	return func(g *puttygen, k *puttyKey) ([]byte, error) {
		text, err := keyfile.Marshal(f, k.private, k.text(), g.passphrase(), keyfile.Encryption{})
		if err != nil {
			return nil, fmt.Errorf("unable to export key: %w", err)
		}
		return text, nil
	}
}

// renderRFC4716 is PuTTY's own idea of RFC 4716: the comment is never broken,
// and has backslashes before quotes.
func (g *puttygen) renderRFC4716(k *puttyKey) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("---- BEGIN SSH2 PUBLIC KEY ----\n")
	if k.comment != nil {
		escaped := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(*k.comment)
		fmt.Fprintf(&b, "Comment: \"%s\"\n", escaped)
	}
	const columns = 64
	for text := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(k.public)), columns) {
		b.Write(append(text[:len(text):len(text)], '\n'))
	}
	b.WriteString("---- END SSH2 PUBLIC KEY ----\n")
	return b.Bytes(), nil
}

func (g *puttygen) renderLine(k *puttyKey) ([]byte, error) {
	line := putty.BlobType(k.public) + " " + base64.StdEncoding.EncodeToString(k.public)
	if k.comment != nil {
		line += " " + *k.comment
	}
	return []byte(line + "\n"), nil
}

func (g *puttygen) renderFingerprint(k *puttyKey) ([]byte, error) {
	return []byte(putty.Fingerprint(k.public, g.hash) + "\n"), nil
}

// publicKey is the plain public key.
func (k *puttyKey) publicKey() (key.Public, error) {
	if k.private != nil {
		return k.private.Public(), nil
	}
	base, err := keyfile.CertifiedKey(k.public)
	if err != nil {
		return nil, errors.New("unable to decode public key")
	}
	public, err := key.ParsePublic(base)
	var unsupported *key.UnsupportedError
	if errors.As(err, &unsupported) {
		return nil, fmt.Errorf("cannot extract key components from public key of unknown type '%s'", putty.BlobType(k.public))
	}
	if err != nil {
		return nil, errors.New("unable to decode public key")
	}
	return public, nil
}
