package keys

import (
	"context"
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// publicFormat is what -m says for -e and -i.
func (k *keygen) publicFormat() keyfile.PublicFormat {
	if k.form == "" {
		return keyfile.PublicRFC4716
	}
	return keyfile.PublicFormat(k.form)
}

// export is -e: a public key in another format.
func (k *keygen) export(ctx context.Context) int {
	if code, ok := k.existing(k.Name + ": "); !ok {
		return code
	}
	public, _, err := shownPublic(k.file)
	if err != nil {
		id, err := k.loadIdentity(ctx)
		if err != nil {
			return k.cantLoad("Load key \""+k.file+"\"", err)
		}
		clear(id.passphrase)
		public = id.Public()
	}
	if k.publicFormat() != keyfile.PublicRFC4716 {
		public = cert.PlainKey(public)
	}
	text, err := keyfile.MarshalPublic(k.publicFormat(), public, conversion(public.Bits(), cert.ShortName(public.Type())))
	if err != nil {
		return k.fatal(fatalf("unsupported key type %s", cert.ShortName(public.Type())))
	}
	k.say("%s", text)
	return 0
}

// conversion is the comment of an exported key, which OpenSSH cuts at 60 bytes.
func conversion(bits int, typ string) string {
	text := fmt.Sprintf("%d-bit %s, converted by %s from OpenSSH", bits, typ, userAtHost())
	return text[:min(len(text), 60)]
}

// imports is -i: a key in another format as OpenSSH writes it. The format is
// recognised, whatever -m says. A private key of another program comes out as a
// private key in PEM.
func (k *keygen) imports(ctx context.Context) int {
	if code, ok := k.existing(k.Name + ": "); !ok {
		return code
	}
	text, err := door.ReadCapped(k.file)
	if err != nil {
		return k.fatal(fatalf("%s: %s: %s", k.Name, k.file, reason(err)))
	}
	defer clear(text)
	switch format, private := keyfile.FormatOf(text); format {
	case keyfile.FormatOpenSSH, keyfile.FormatPEM, keyfile.FormatPKCS8:
		return k.fatal(fatalf("%s is a private key that needs no import; print its public half with: ssh-keygen -y -f %s", k.file, k.file))
	default:
		if private {
			return k.importPrivate(ctx)
		}
	}
	public, _, found, err := keyfile.ParsePublic(text)
	switch {
	case err == nil && found == keyfile.PublicOpenSSH:
		return k.fatal(fatalf("%s is in OpenSSH's format already", k.file))
	case found == keyfile.PublicOpenSSH, errors.Is(err, keyfile.ErrNoPublic):
		return k.fatal(fatalf("%s is not a recognised public key format", k.file))
	case err != nil:
		return k.fatal(fatalf("%s: the %s public key can't be read: %s", k.file, found, term.Printable(err.Error())))
	}
	k.say("%s", keyfile.MarshalAuthorizedKey(keyfile.AuthorizedKey{Key: public}))
	return 0
}

// importPrivate prints an unencrypted private key of another program.
func (k *keygen) importPrivate(ctx context.Context) int {
	id, err := k.loadIdentity(ctx)
	if err != nil {
		return k.cantLoad("Load key \""+k.file+"\"", err)
	}
	clear(id.passphrase)
	text, err := keyfile.Marshal(keyfile.FormatPEM, id.Private, "", nil, keyfile.Encryption{})
	if err != nil {
		text, err = keyfile.MarshalPrivate(id.Private, id.comment, nil)
	}
	if err != nil {
		return k.fatal(err)
	}
	defer clear(text)
	k.say("%s", text)
	return 0
}
