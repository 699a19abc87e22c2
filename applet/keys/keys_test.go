package keys

import (
	"crypto/rand"
	"crypto/rsa"
	"math/big"
	"testing"
)

// A modulus of the flawed form k·M + (65537^a mod M) is recognised, and ordinary
// ones are not.
func TestROCA(t *testing.T) {
	primorial := big.NewInt(1)
	for _, p := range append([]uint64{2}, rocaPrimes[:]...) {
		primorial.Mul(primorial, new(big.Int).SetUint64(p))
	}
	flawed := func(k, a int64) *big.Int {
		n := new(big.Int).Exp(big.NewInt(65537), big.NewInt(a), primorial)
		return n.Add(n, new(big.Int).Mul(primorial, big.NewInt(k)))
	}
	if n := new(big.Int).Mul(flawed(12345, 678), flawed(98765, 4321)); !hasROCA(n) {
		t.Error("a flawed modulus is not recognised")
	}
	for range 4 {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		if hasROCA(k.N) {
			t.Errorf("a sound modulus is called flawed: %v", k.N)
		}
	}
}
