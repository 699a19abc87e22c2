package keyfile

import (
	"crypto"
	//lint:ignore SA1019 DSA keys are converted
	"crypto/dsa"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/nacre-ssh/nacre/key"
)

const (
	spkiBlock        = "PUBLIC KEY"     // RFC 7468, section 13
	pkcs1PublicBlock = "RSA PUBLIC KEY" // RFC 8017, appendix A.1.1
)

// An spki is SubjectPublicKeyInfo (RFC 5280, section 4.1).
type spki struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

func findPublic(text []byte, name string) ([]byte, error) {
	block := findBlock(text, name)
	switch {
	case block == nil:
		return nil, errors.New("its text is damaged")
	case len(block.Bytes) > maxDER:
		return nil, errors.New("its key is too large")
	}
	return block.Bytes, nil
}

func parseSPKI(text []byte) (key.Public, string, error) {
	der, err := findPublic(text, spkiBlock)
	if err != nil {
		return nil, "", err
	}
	var outer spki
	if err := unmarshalAll(der, &outer); err != nil {
		return nil, "", err
	}
	var parsed crypto.PublicKey = ed448.PublicKey(outer.Key.Bytes)
	if !outer.Algorithm.Algorithm.Equal(oidEd448) {
		if parsed, err = x509.ParsePKIXPublicKey(der); err != nil {
			return nil, "", err
		}
	}
	k, err := key.NewPublic(parsed)
	return k, "", err
}

func parsePKCS1Public(text []byte) (key.Public, string, error) {
	der, err := findPublic(text, pkcs1PublicBlock)
	if err != nil {
		return nil, "", err
	}
	parsed, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return nil, "", err
	}
	k, err := key.NewPublic(parsed)
	return k, "", err
}

func marshalSPKI(k key.Public, _ string) ([]byte, error) {
	der, err := marshalSPKIDER(k)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: spkiBlock, Bytes: der}), nil
}

func marshalSPKIDER(k key.Public) ([]byte, error) {
	if _, ok := k.(*key.SK); ok {
		return nil, &key.UnsupportedError{Type: k.Type(), Op: "convert"}
	}
	switch public := k.Crypto().(type) {
	case ed448.PublicKey:
		return asn1.Marshal(spki{pkix.AlgorithmIdentifier{Algorithm: oidEd448}, asn1.BitString{Bytes: public, BitLength: 8 * len(public)}})
	case *dsa.PublicKey:
		y, err := asn1.Marshal(public.Y)
		if err != nil {
			return nil, err
		}
		id, err := algorithm(oidDSA, dsaParameters{public.P, public.Q, public.G})
		if err != nil {
			return nil, err
		}
		return asn1.Marshal(spki{id, asn1.BitString{Bytes: y, BitLength: 8 * len(y)}})
	default:
		return x509.MarshalPKIXPublicKey(public)
	}
}

// marshalPEMPublic writes PKCS#1 for RSA; no other type has such a form.
func marshalPEMPublic(k key.Public, comment string) ([]byte, error) {
	public, ok := k.Crypto().(*rsa.PublicKey)
	if !ok {
		return marshalSPKI(k, comment)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pkcs1PublicBlock, Bytes: x509.MarshalPKCS1PublicKey(public)}), nil
}
