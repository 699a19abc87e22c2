package keyfile

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"

	"github.com/cloudflare/circl/sign/ed448"

	"github.com/nacre-ssh/nacre/key"
)

const (
	pkcs8Block     = "PRIVATE KEY"           // RFC 7468, section 10
	encryptedBlock = "ENCRYPTED PRIVATE KEY" // RFC 7468, section 11
)

// A pkcs8 is OneAsymmetricKey without what follows the key (RFC 5958, section 2).
type pkcs8 struct {
	Version   int
	Algorithm pkix.AlgorithmIdentifier
	Key       []byte
}

// parsePKCS8 is the parse of [FormatPKCS8].
func parsePKCS8(text []byte) (*sealed, error) {
	block := findBlock(text, pkcs8Block, encryptedBlock)
	if block == nil {
		return nil, explain(text)
	}
	if len(block.Bytes) > maxDER {
		return nil, malformed("its key is too large", nil)
	}
	if block.Type == pkcs8Block {
		return &sealed{open: func([]byte) (*key.Private, string, error) {
			k, err := parsePKCS8DER(block.Bytes)
			if err != nil {
				return nil, "", damagedDER("PKCS#8", err)
			}
			return k, "", nil
		}}, nil
	}
	e, err := parsePBES2(block.Bytes)
	if err != nil {
		return nil, err
	}
	return &sealed{encrypted: true, open: e.openKey}, nil
}

// openKey is the open of an encrypted file.
func (e *pbes2) openKey(passphrase []byte) (*key.Private, string, error) {
	der, ok := e.open(passphrase)
	if !ok {
		return nil, "", &PassphraseError{Wrong: true}
	}
	defer clear(der)
	k, err := parsePKCS8DER(der)
	if isDamage(err) { // the padding was right by chance
		return nil, "", &PassphraseError{Wrong: true}
	}
	if err != nil {
		return nil, "", cantRead(err)
	}
	return k, "", nil
}

func parsePKCS8DER(der []byte) (*key.Private, error) {
	var outer pkcs8
	if err := unmarshalAll(der, &outer); err != nil {
		return nil, err
	}
	switch {
	case outer.Algorithm.Algorithm.Equal(oidDSA):
		return parsePKCS8DSA(outer)
	case outer.Algorithm.Algorithm.Equal(oidEd448):
		return parsePKCS8Ed448(outer)
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, &damage{err}
	}
	signer, ok := k.(crypto.Signer)
	if !ok {
		return nil, &key.UnsupportedError{Type: "PKCS#8 key that can't sign"}
	}
	return key.NewPrivate(signer)
}

func parsePKCS8DSA(outer pkcs8) (*key.Private, error) {
	var group dsaParameters
	if err := unmarshalAll(outer.Algorithm.Parameters.FullBytes, &group); err != nil {
		return nil, err
	}
	var x *big.Int
	if err := unmarshalAll(outer.Key, &x); err != nil {
		return nil, err
	}
	return key.NewDSA(group.P, group.Q, group.G, nil, x)
}

func parsePKCS8Ed448(outer pkcs8) (*key.Private, error) {
	var seed []byte // RFC 8410, section 7: an OCTET STRING inside the OCTET STRING
	if err := unmarshalAll(outer.Key, &seed); err != nil {
		return nil, err
	}
	if len(seed) != ed448.SeedSize {
		return nil, malformed("its seed has a wrong length", nil)
	}
	return key.NewPrivate(ed448.NewKeyFromSeed(seed))
}

// marshalPKCS8 is the marshal of [FormatPKCS8].
func marshalPKCS8(k *key.Private, _ string, passphrase []byte, _ Encryption) ([]byte, error) {
	der, err := marshalPKCS8DER(k)
	if err != nil {
		return nil, err
	}
	defer clear(der)
	if len(passphrase) == 0 {
		return pem.EncodeToMemory(&pem.Block{Type: pkcs8Block, Bytes: der}), nil
	}
	sealed, err := sealPBES2(der, passphrase)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: encryptedBlock, Bytes: sealed}), nil
}

func marshalPKCS8DER(k *key.Private) ([]byte, error) {
	switch private := k.Crypto().(type) {
	case *key.SKPrivate:
		return nil, cantHold(FormatPKCS8, k)
	case *key.DSAPrivate:
		d := private.Key
		x, err := asn1.Marshal(d.X)
		if err != nil {
			return nil, err
		}
		return marshalWith(oidDSA, dsaParameters{d.P, d.Q, d.G}, x)
	case ed448.PrivateKey:
		seed, err := asn1.Marshal(private.Seed())
		if err != nil {
			return nil, err
		}
		return asn1.Marshal(pkcs8{0, pkix.AlgorithmIdentifier{Algorithm: oidEd448}, seed})
	default:
		return x509.MarshalPKCS8PrivateKey(private)
	}
}

func marshalWith(oid asn1.ObjectIdentifier, parameters any, inner []byte) ([]byte, error) {
	id, err := algorithm(oid, parameters)
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(pkcs8{0, id, inner})
}
