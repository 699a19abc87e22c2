package keys

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"time"

	"github.com/nacre-ssh/nacre/key"
)

// minRSABits is the least that is not called weak: NIST SP 800-57, part 1,
// table 2 gives 2048 bits 112 bits of strength, the least in use.
const minRSABits = 2048

// weaknesses tells what is wrong with a key by itself.
func weaknesses(k key.Public) []string {
	switch k.Type() {
	case key.TypeDSA:
		return []string{"DSA: servers stopped taking it; make an Ed25519 key and let this one go"}
	case key.TypeRSA:
		var why []string
		if k.Bits() < minRSABits {
			why = append(why, fmt.Sprintf("RSA of %d bits is within reach of an attacker; make an Ed25519 key and let this one go", k.Bits()))
		}
		if pub, ok := k.Crypto().(*rsa.PublicKey); ok && hasROCA(pub.N) {
			why = append(why, "burnt: made by an Infineon chip with the flaw ROCA (CVE-2017-15361), its private half can be computed; replace it")
		}
		return why
	}
	return nil
}

// puttyFix is the day of PuTTY 0.81, which no longer signs with biased nonces.
var puttyFix = time.Date(2024, 4, 15, 0, 0, 0, 0, time.UTC)

// biasedNonces judges a P-521 key of PuTTY's: before 0.81 some sixty signatures
// gave it away (CVE-2024-31497).
func biasedNonces(k key.Public, changed time.Time) []string {
	if k.Type() != key.TypeECDSA521 {
		return nil
	}
	if changed.Before(puttyFix) {
		return []string{"burnt: a P-521 key from before PuTTY 0.81, whose signatures gave it away (CVE-2024-31497); replace it and take it off every server"}
	}
	return []string{"burnt if PuTTY before 0.81 ever used it: its signatures with P-521 gave the key away (CVE-2024-31497)"}
}

// rocaPrimes are the small primes for which the moduli of the flaw lie in the
// subgroup that 65537 generates (Nemec et al., "The Return of Coppersmith's
// Attack", section 2.3).
var rocaPrimes = [...]uint64{
	3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73,
	79, 83, 89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
}

// hasROCA tells whether a modulus has the flaw's fingerprint. A sound one has it
// once in 2^27 keys.
func hasROCA(n *big.Int) bool {
	var rest big.Int
	for _, p := range rocaPrimes {
		if !generated(rest.Mod(n, new(big.Int).SetUint64(p)).Uint64(), p) {
			return false
		}
	}
	return true
}

// generated tells whether r is a power of 65537 modulo p.
func generated(r, p uint64) bool {
	for x, n := uint64(1), uint64(0); n < p; n++ {
		if x == r {
			return true
		}
		x = x * 65537 % p
	}
	return false
}
