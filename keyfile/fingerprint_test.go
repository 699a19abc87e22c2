package keyfile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/key"
)

// listing is what ssh-keygen -lv prints.
func listing(k key.Public, comment string, h Hash) string {
	return fmt.Sprintf("%d %s %s (%s)\n%s\n",
		k.Bits(), Fingerprint(k, h), comment, key.ShortName(k.Type()), Randomart(k, h))
}

func TestFingerprints(t *testing.T) {
	var got strings.Builder
	for _, name := range testNames {
		k := public(t, name)
		got.WriteString(listing(k.Key, k.Comment, SHA256) + listing(k.Key, k.Comment, MD5))
	}
	if want := string(read(t, "fingerprints.txt")); got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	k := public(t, "rsa").Key
	if !strings.HasPrefix(FingerprintSHA256(k), "SHA256:") || !strings.HasPrefix(FingerprintMD5(k), "MD5:") {
		t.Error("the default functions show another hash")
	}
}
