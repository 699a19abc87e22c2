package testpeer

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var record = flag.Bool("record", false, "write the peers' KEXINIT messages to testdata/kexinit")

// recorded reads the KEXINIT messages of real peers, which other packages seed
// their fuzz targets with.
func recorded(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("testdata/kexinit/*")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no recorded messages: %v", err)
	}
	messages := map[string][]byte{}
	for _, path := range paths {
		message, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		messages[filepath.Base(path)] = message
	}
	return messages
}

func save(t *testing.T, name string, o Offer) {
	t.Helper()
	if !*record {
		return
	}
	if err := os.MkdirAll("testdata/kexinit", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join("testdata/kexinit", name), o.Payload, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRecordedOffers(t *testing.T) {
	for name, message := range recorded(t) {
		o, err := parseOffer("", message)
		if err != nil || len(o.Kex) == 0 || len(o.HostKey) == 0 {
			t.Errorf("%s: %v, %+v", name, err, o)
		}
	}
}

func FuzzParseOffer(f *testing.F) {
	for _, message := range recorded(f) {
		f.Add(message)
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		o, err := parseOffer("", message)
		names := len(o.Kex) + len(o.HostKey) + len(o.Cipher) + len(o.MAC) + len(o.Compression)
		if err == nil && names > len(message) {
			t.Errorf("%d names in %d bytes", names, len(message))
		}
	})
}
