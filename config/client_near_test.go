package config

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// What is proposed for a name that leads nowhere: the names of Host lines, in
// included files too, that differ by case or a letter.
func TestNearHosts(t *testing.T) {
	dir := t.TempDir()
	more := filepath.Join(dir, "more")
	main := filepath.Join(dir, "config")
	for name, text := range map[string]string{
		more: "Host buildbox\nUser b\n",
		main: "Host web1 web2 *.example.net\nUser a\nInclude " + more + "\nHost *\nPort 22\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for host, want := range map[string][]string{
		"WEB1":    {"web1"},
		"web3":    {"web1", "web2"},
		"weeb2":   {"web2"},
		"bildbox": {"buildbox"}, // an Include in a block that isn't for it is read all the same
		"mail":    nil,
		"a":       nil,
	} {
		got := NearHosts(ClientQuery{Host: host, File: main, Home: dir, LocalUser: "me", SystemDir: dir})
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}
