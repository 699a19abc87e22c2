package cert

import (
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/nacre-ssh/nacre/keyfile"
)

// Dump writes the list as text, as ssh-keygen -Q -l shows it. quote makes text
// from the list safe to print.
func (l *KRL) Dump(w io.Writer, quote func(string) string) {
	fmt.Fprintf(w, "# KRL version %d\n", l.Version)
	fmt.Fprintf(w, "# Generated at %s\n", stamp(l.Generated))
	if l.Comment != "" {
		fmt.Fprintf(w, "# Comment: %s\n", quote(l.Comment))
	}
	fmt.Fprintln(w)
	for _, blob := range l.Keys() {
		k := l.keys[blob]
		fmt.Fprintf(w, "hash: %s # %s\n", keyfile.FingerprintSHA256(k), k.Type())
	}
	for _, digest := range l.SHA256s() {
		fmt.Fprintf(w, "hash: SHA256:%s\n", hex.EncodeToString([]byte(digest)))
	}
	for _, digest := range l.SHA1s() {
		fmt.Fprintf(w, "# hash SHA1:%s\n", hex.EncodeToString([]byte(digest)))
	}
	for _, a := range l.authorities {
		fmt.Fprintln(w)
		if a.authority == nil {
			fmt.Fprintln(w, "# Wildcard CA")
		} else {
			fmt.Fprintf(w, "# CA key %s %s\n", a.authority.Type(), keyfile.FingerprintSHA256(a.authority))
		}
		for _, s := range a.serials {
			if s.lo == s.hi {
				fmt.Fprintf(w, "serial: %d\n", s.lo)
				continue
			}
			fmt.Fprintf(w, "serial: %d-%d\n", s.lo, s.hi)
		}
		for _, id := range slices.Sorted(maps.Keys(a.ids)) {
			fmt.Fprintf(w, "id: %s\n", quote(id))
		}
	}
}

// stamp is the time of a list, local and without marks.
func stamp(seconds uint64) string {
	return time.Unix(int64(min(seconds, 1<<55)), 0).Format("20060102T150405")
}
