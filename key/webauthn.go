package key

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/nacre-ssh/nacre/wire"
)

// Flags that only a signature made in a browser may have (WebAuthn, section
// 6.1).
const (
	webauthnAttested   = 0x40
	webauthnExtensions = 0x80
)

// verifyWebauthn checks a signature that a browser made over its own wrapping
// of data (PROTOCOL.u2f, "webauthn signatures"): r stands behind the algorithm.
func (k *SK) verifyWebauthn(r *wire.Reader, data []byte) (flags byte, counter uint32, err error) {
	s := r.Bytes()
	flags, counter = r.Byte(), r.Uint32()
	origin, client, extensions := r.String(), r.Bytes(), r.Bytes()
	if err := r.End(); err != nil {
		return 0, 0, badSignature("%v", err)
	}
	point, ok := k.point.(*ecdsa.PublicKey)
	if !ok {
		return 0, 0, ErrSignature
	}
	if flags&webauthnAttested != 0 || (flags&webauthnExtensions != 0) != (len(extensions) > 0) {
		return 0, 0, badSignature("its flags don't fit what it holds")
	}
	if !wraps(client, origin, data) {
		return 0, 0, badSignature("the browser signed something else")
	}
	application, message := sha256.Sum256([]byte(k.application)), sha256.Sum256(client)
	signed := append(make([]byte, 0, 69+len(extensions)), application[:]...)
	signed = wire.AppendUint32(append(signed, flags), counter)
	signed = append(append(signed, extensions...), message[:]...)
	if err := verifyECDSA(point, &curves[0], signed, s); err != nil {
		return 0, 0, err
	}
	return flags, counter, nil
}

// wraps reports whether the JSON that the browser signed begins as it must for
// data and origin. The text is compared, not parsed: WebAuthn's "limited
// verification algorithm" fixes the order of the members.
func wraps(client []byte, origin string, data []byte) bool {
	if strings.ContainsAny(origin, "\"\x00") {
		return false // it would end its own member
	}
	want := `{"type":"webauthn.get","challenge":"` + base64.RawURLEncoding.EncodeToString(data) +
		`","origin":"` + origin + `"`
	return bytes.HasPrefix(client, []byte(want))
}
