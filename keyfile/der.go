package keyfile

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"

	"github.com/nacre-ssh/nacre/key"
)

// A damage is ASN.1 that can't be read, which with a passphrase means that the
// passphrase was wrong; what a whole key lacks is another error.
type damage struct{ err error }

func (e *damage) Error() string { return e.err.Error() }

func isDamage(err error) bool {
	var d *damage
	return errors.As(err, &d)
}

// damagedDER is what is said of a key that parse didn't take.
func damagedDER(what string, err error) error {
	var d *damage
	if errors.As(err, &d) {
		return malformed("its "+what+" is damaged", d.err)
	}
	return cantRead(err)
}

func parsePKCS1(der []byte) (*key.Private, error) {
	k, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		return nil, &damage{err}
	}
	return key.NewPrivate(k)
}

func parseSEC1(der []byte) (*key.Private, error) {
	k, err := x509.ParseECPrivateKey(der)
	if err != nil {
		return nil, &damage{err}
	}
	return key.NewPrivate(k)
}

// A dsaDER is OpenSSL's DSAPrivateKey.
type dsaDER struct {
	Version       int
	P, Q, G, Y, X *big.Int
}

func parseDSADER(der []byte) (*key.Private, error) {
	var k dsaDER
	if err := unmarshalAll(der, &k); err != nil {
		return nil, err
	}
	if k.Version != 0 {
		return nil, &damage{errors.New("its version is not 0")}
	}
	return key.NewDSA(k.P, k.Q, k.G, k.Y, k.X)
}

// unmarshalAll reads one ASN.1 value and nothing behind it.
func unmarshalAll(der []byte, to any) error {
	rest, err := asn1.Unmarshal(der, to)
	if err == nil && len(rest) > 0 {
		err = errors.New("bytes are left over")
	}
	if err != nil {
		return &damage{err}
	}
	return nil
}

// marshalTraditional returns the block's name and content for a key in its own
// type's form.
func marshalTraditional(k *key.Private) (name string, der []byte, err error) {
	switch private := k.Crypto().(type) {
	case *rsa.PrivateKey:
		return "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(private), nil
	case *ecdsa.PrivateKey:
		der, err = x509.MarshalECPrivateKey(private)
		return "EC PRIVATE KEY", der, err
	case *key.DSAPrivate:
		d := private.Key
		der, err = asn1.Marshal(dsaDER{0, d.P, d.Q, d.G, d.Y, d.X})
		return "DSA PRIVATE KEY", der, err
	}
	return "", nil, cantHold(FormatPEM, k)
}

// Object identifiers of the keys that the standard library doesn't encode.
var (
	oidDSA   = asn1.ObjectIdentifier{1, 2, 840, 10040, 4, 1} // RFC 3279, section 2.3.2
	oidEd448 = asn1.ObjectIdentifier{1, 3, 101, 113}         // RFC 8410, section 3
)

// dsaParameters are the group of a DSA key (RFC 3279, section 2.3.2).
type dsaParameters struct{ P, Q, G *big.Int }
