package edwards

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"math/big"
	"testing"

	"github.com/cloudflare/circl/sign/ed448"
)

func TestBaseOfEd25519(t *testing.T) {
	// RFC 8032, section 5.1: B = (X, Y).
	wantX, _ := new(big.Int).SetString("15112221349535400772501151409588531511454012693041857206046113283949847762202", 10)
	wantY, _ := new(big.Int).SetString("46316835694926478169428394003475163141307993866256225615783033603165251855960", 10)
	point, _ := hex.DecodeString("5866666666666666666666666666666666666666666666666666666666666666")
	x, y, err := Ed25519().Decompress(point)
	if err != nil || x.Cmp(wantX) != 0 || y.Cmp(wantY) != 0 {
		t.Fatalf("%v, %v, %v", x, y, err)
	}
}

func TestThereAndBack(t *testing.T) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, _, err := ed448.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []struct {
		curve *Curve
		point []byte
	}{{Ed25519(), public}, {Ed448(), large}} {
		x, y, err := k.curve.Decompress(k.point)
		if err != nil {
			t.Fatal(err)
		}
		back, err := k.curve.Compress(x, y)
		if err != nil || !bytes.Equal(back, k.point) {
			t.Fatalf("%x became %x, %v", k.point, back, err)
		}
		if _, err := k.curve.Compress(new(big.Int).Add(x, big.NewInt(1)), y); !errors.Is(err, ErrOffCurve) {
			t.Errorf("a point beside the curve: %v", err)
		}
	}
}

func TestNoPoints(t *testing.T) {
	for name, point := range map[string][]byte{
		"empty":     nil,
		"too short": make([]byte, 31),
		"too large": bytes.Repeat([]byte{0xff}, 32),
		"minus 0":   append(append([]byte{1}, make([]byte, 30)...), 0x80),
		"no root":   append([]byte{2}, make([]byte, 31)...),
	} {
		if _, _, err := Ed25519().Decompress(point); !errors.Is(err, ErrOffCurve) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
