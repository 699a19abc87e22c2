package keys

import (
	"bytes"
	"crypto/dsa" //lint:ignore SA1019 DSA keys are shown and converted
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"slices"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/wire"
)

// A puttyText is what puttygen --dump writes: lines "name=value" in which Python
// can read numbers and text.
type puttyText struct{ bytes.Buffer }

func (t *puttyText) number(name string, n *big.Int) { fmt.Fprintf(t, "%s=0x%x\n", name, n) }

func (t *puttyText) uint(name string, n uint64) { fmt.Fprintf(t, "%s=0x%x\n", name, n) }

func (t *puttyText) binary(name string, b []byte) {
	fmt.Fprintf(t, "%s=b64(\"%s\")\n", name, base64.StdEncoding.EncodeToString(b))
}

// text writes a string literal of C's.
func (t *puttyText) text(name, s string) {
	t.WriteString(name + `="`)
	for _, c := range []byte(s) {
		if i := bytes.IndexByte([]byte("\n\r\t\b\\\""), c); i >= 0 {
			t.WriteByte('\\')
			t.WriteByte(`nrtb\"`[i])
		} else if c >= ' ' && c <= '~' {
			t.WriteByte(c)
		} else {
			fmt.Fprintf(t, `\%03o`, c)
		}
	}
	t.WriteString("\"\n")
}

// renderText shows every number of the key, the private ones too where they are
// known.
func (g *puttygen) renderText(k *puttyKey) ([]byte, error) {
	public, err := k.publicKey()
	if err != nil {
		return nil, err
	}
	var t puttyText
	if err := t.publicHalf("", public); err != nil {
		return nil, err
	}
	if k.private != nil {
		t.privateHalf(k.private)
	}
	if !keyfile.IsCertificate(k.public) {
		return t.Bytes(), nil
	}
	c, err := cert.Parse(k.public)
	if err != nil {
		return nil, fmt.Errorf("unable to decode certificate: %w", err)
	}
	err = t.certificate(c)
	return t.Bytes(), err
}

// publicHalf writes a public key's numbers, their names behind a prefix.
func (t *puttyText) publicHalf(prefix string, k key.Public) error {
	switch public := k.Crypto().(type) {
	case *rsa.PublicKey:
		t.text(prefix+"key_type", "RSA")
		t.number(prefix+"public_modulus", public.N)
		t.uint(prefix+"public_exponent", uint64(public.E))
		return nil
	case *dsa.PublicKey:
		t.text(prefix+"key_type", "DSA")
		t.number(prefix+"p", public.P)
		t.number(prefix+"q", public.Q)
		t.number(prefix+"g", public.G)
		t.number(prefix+"public_y", public.Y)
		return nil
	}
	form, curve := "EdDSA", "Ed25519"
	switch k.Type() {
	case key.TypeEd448:
		curve = "Ed448"
	case key.TypeECDSA256, key.TypeECDSA384, key.TypeECDSA521:
		form, curve = "ECDSA", fmt.Sprintf("nistp%d", k.Bits())
	}
	x, y, err := keyfile.Affine(k)
	if err != nil {
		return err
	}
	t.text(prefix+"key_type", form)
	t.text(prefix+"curve_name", curve)
	t.number(prefix+"public_affine_x", x)
	t.number(prefix+"public_affine_y", y)
	return nil
}

// privateHalf writes the rest of a private key's numbers.
func (t *puttyText) privateHalf(k *key.Private) {
	switch private := k.Crypto().(type) {
	case *rsa.PrivateKey:
		p, q := private.Primes[0], private.Primes[1]
		if p.Cmp(q) < 0 {
			p, q = q, p
		}
		t.number("private_exponent", private.D)
		t.number("private_p", p)
		t.number("private_q", q)
		t.number("private_inverse_q_mod_p", new(big.Int).ModInverse(q, p))
	case *key.DSAPrivate:
		t.number("private_x", private.Key.X)
	case *ecdsa.PrivateKey:
		if b, err := private.Bytes(); err == nil {
			t.number("private_exponent", new(big.Int).SetBytes(b))
		}
	case ed25519.PrivateKey:
		t.number("private_exponent", littleEndian(private.Seed()))
	case ed448.PrivateKey:
		t.number("private_exponent", littleEndian(private.Seed()))
	}
}

func littleEndian(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

// certificate writes what the authority signed about the key.
func (t *puttyText) certificate(c *cert.Certificate) error {
	nonce, authority, signature := certificateEnds(c)
	t.binary("cert_nonce", nonce)
	t.uint("cert_serial", c.Serial)
	switch c.Kind {
	case cert.User:
		t.text("cert_type", "user")
	case cert.Host:
		t.text("cert_type", "host")
	default:
		t.uint("cert_type", uint64(c.Kind))
	}
	t.text("cert_key_id", c.KeyID)
	for i, name := range c.Principals {
		t.text(fmt.Sprintf("cert_valid_principal_%d", i), name)
	}
	t.uint("cert_valid_after", c.ValidAfter)
	t.uint("cert_valid_before", c.ValidBefore)
	if c.ValidAfter != 0 {
		t.text("cert_valid_after_date", puttyTime(c.ValidAfter))
	}
	if c.ValidBefore != cert.Forever {
		t.text("cert_valid_before_date", puttyTime(c.ValidBefore))
	}
	t.options("cert_critical_option", c.Critical)
	t.options("cert_extension", c.Extensions)
	t.binary("cert_ca_key", authority)
	t.text("cert_ca_key_algorithm_id", c.Authority.Type())
	if err := t.publicHalf("cert_ca_key_", c.Authority); err != nil {
		return err
	}
	t.binary("cert_ca_sig", signature)
	return nil
}

func (t *puttyText) options(name string, list []cert.Option) {
	for i, o := range list {
		t.text(fmt.Sprintf("%s_%d", name, i), o.Name)
		t.text(fmt.Sprintf("%s_data_%d", name, i), o.Data)
	}
}

// certificateEnds are the fields of a certificate that only its text shows
// (PROTOCOL.certkeys).
func certificateEnds(c *cert.Certificate) (nonce, authority, signature []byte) {
	r := wire.NewReader(c.Blob())
	r.Bytes() // the type
	nonce = r.Bytes()
	plain := wire.NewReader(c.Key.Blob())
	for plain.Bytes(); plain.Len() > 0 && plain.Err() == nil; plain.Bytes() {
		r.Bytes()
	}
	r.Uint64() // serial
	r.Uint32() // kind
	r.Bytes()  // id
	r.Bytes()  // principals
	r.Uint64() // from
	r.Uint64() // to
	for range 3 {
		r.Bytes() // critical options, extensions, reserved
	}
	return nonce, r.Bytes(), r.Bytes()
}
