package keys

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/term"
)

// A puttyFile is an input file, recognised.
type puttyFile struct {
	text   []byte
	format keyfile.Format // "" for a public key
}

// hides reports whether everything in the file is encrypted where it is
// encrypted, in PuTTY's eyes: only its own format shows comment and public key.
func (f *puttyFile) hides() bool { return f.format != "" && f.format != keyfile.FormatPPK }

const (
	rsa1Private = "SSH PRIVATE KEY FILE FORMAT 1.1\n"
	rfc4716     = "---- BEGIN SSH2 PUBLIC KEY"
)

// read reads and recognises the input file.
func (g *puttygen) read() (*puttyFile, error) {
	failed := func(reason string) error {
		return fmt.Errorf("unable to load file `%s': %s", term.Printable(g.in), reason)
	}
	text, err := g.open(g.in)
	if err != nil {
		return nil, failed(door.Sentence(err))
	}
	if bytes.HasPrefix(text, []byte(rsa1Private)) {
		return nil, failed("SSH-1 keys are not supported")
	}
	if !bytes.HasPrefix(text, []byte(rfc4716)) {
		if format, ok := keyfile.FormatOf(text); ok {
			return &puttyFile{text, format}, nil
		}
	}
	if _, _, err := parsePublicText(text); err != nil {
		return nil, failed("not a recognised key file format")
	}
	return &puttyFile{text: text}, nil
}

// load reads as much of the file as the output needs.
func (g *puttygen) load(ctx context.Context, f *puttyFile) (*puttyKey, error) {
	if f.format == "" {
		g.oldPass = nil
		blob, comment, err := parsePublicText(f.text)
		return &puttyKey{public: blob, comment: comment}, err
	}
	private := g.kind.keeps || f.hides()
	if f.format == keyfile.FormatPPK {
		return g.loadPPK(ctx, f, private)
	}
	encrypted := false
	k, comment, err := keyfile.ParsePrivate(f.text, func() ([]byte, error) {
		encrypted = true
		return g.oldPassphrase(ctx)
	})
	if !encrypted {
		g.oldPass = nil
	}
	if err != nil {
		return nil, puttyReason(err)
	}
	if comment == "" {
		comment = puttyNoComment(f.format)
	}
	// A line break would make two lines of authorized_keys out of one.
	comment = strings.NewReplacer("\n", " ", "\r", " ", "\x00", " ").Replace(comment)
	return &puttyKey{private: k, public: k.Public().Blob(), comment: &comment}, nil
}

// puttyNoComment is what PuTTY calls a key from a format that has no comments.
func puttyNoComment(f keyfile.Format) string {
	if f == keyfile.FormatPEM || f == keyfile.FormatPKCS8 || f == keyfile.FormatDropbear {
		return "imported-openssh-key"
	}
	return ""
}

func (g *puttygen) loadPPK(ctx context.Context, f *puttyFile, private bool) (*puttyKey, error) {
	p, err := keyfile.ParsePPK(f.text)
	if err != nil {
		return nil, puttyReason(err)
	}
	k := &puttyKey{public: p.Public, comment: &p.Comment}
	var secret []byte
	if p.Encrypted() && private {
		if secret, err = g.oldPassphrase(ctx); err != nil {
			return nil, err
		}
		defer clear(secret)
	} else {
		g.oldPass = nil
	}
	if !private {
		return k, nil
	}
	if k.private, err = p.Open(secret); err != nil {
		return nil, puttyReason(err)
	}
	return k, nil
}

func (g *puttygen) oldPassphrase(ctx context.Context) ([]byte, error) {
	if g.oldPass == nil {
		secret, err := g.ask(ctx, "Enter passphrase to load key: ")
		if err != nil {
			return nil, err
		}
		g.oldPass = &secret
	}
	return []byte(*g.oldPass), nil
}

// puttyReason says why a key was not read, in PuTTY's words where it has some.
func puttyReason(err error) error {
	var wrong *keyfile.PassphraseError
	var format *keyfile.FormatError
	switch {
	case errors.As(err, &wrong):
		return errors.New("wrong passphrase")
	case errors.As(err, &format) && format.Err == nil:
		return errors.New(format.Reason)
	}
	return err
}

// parsePublicText reads a public key of whatever type, or a certificate, in
// OpenSSH's or in RFC 4716's form. What it is about is not looked into.
func parsePublicText(text []byte) (blob []byte, comment *string, err error) {
	if bytes.HasPrefix(text, []byte(rfc4716)) {
		return parseRFC4716Text(string(text))
	}
	line := string(text)
	if i := strings.IndexAny(line, "\r\n\x00"); i >= 0 {
		line = line[:i]
	}
	name, rest, ok := strings.Cut(line, " ")
	if !ok || name == "" {
		return nil, nil, errors.New("no key blob in OpenSSH public key file")
	}
	encoded, after, ok := strings.Cut(rest, " ")
	if ok {
		comment = &after
	}
	if blob, err = base64.StdEncoding.DecodeString(encoded); err != nil {
		return nil, nil, errors.New("invalid base64 data in OpenSSH public key file")
	}
	if putty.BlobType(blob) != name {
		return nil, nil, errors.New("key algorithms do not match in OpenSSH public key file")
	}
	return blob, comment, nil
}

// maxPublicHeader caps a header with its continuations, in bytes; RFC 4716 has
// 1024.
const maxPublicHeader = 8192

func parseRFC4716Text(text string) (blob []byte, comment *string, err error) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	lines := strings.Split(text, "\n")
	var encoded strings.Builder
	for i := 1; i < len(lines); i++ {
		line := lines[i]
		switch name, value, header := strings.Cut(line, ":"); {
		case strings.HasPrefix(line, "---- END SSH2 PUBLIC KEY"):
			blob, err := base64.StdEncoding.DecodeString(encoded.String())
			if err != nil || putty.BlobType(blob) == "" {
				return nil, nil, errors.New("invalid data in SSH-2 public key file")
			}
			return blob, comment, nil
		case !header:
			encoded.WriteString(strings.TrimSpace(line))
		default:
			for strings.HasSuffix(value, `\`) && i+1 < len(lines) && len(value) <= maxPublicHeader {
				i++
				value = value[:len(value)-1] + lines[i]
			}
			if len(value) > maxPublicHeader {
				return nil, nil, errors.New("a header of the SSH-2 public key file is too long")
			}
			if strings.EqualFold(name, "Comment") {
				value = unescapeComment(strings.TrimLeft(value, " "))
				comment = &value
			}
		}
	}
	return nil, nil, errors.New("truncated SSH-2 public key file")
}

// unescapeComment takes off the quotes around a comment, and the backslashes in
// it that PuTTY writes although RFC 4716 knows none.
func unescapeComment(s string) string {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
