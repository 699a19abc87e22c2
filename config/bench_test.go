package config

import "testing"

// BenchmarkLoadClient is what every start of the client pays.
func BenchmarkLoadClient(b *testing.B) {
	q := clientQuery(b, "Host a b c\nPort 22\nHost *\nUser x\nSendEnv LANG LC_*\nHashKnownHosts yes\n", "h")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := LoadClient(q); err != nil {
			b.Fatal(err)
		}
	}
}
