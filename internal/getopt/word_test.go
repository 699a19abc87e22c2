package getopt

import (
	"os/exec"
	"testing"
)

// A shell reads a word back as it was, whatever is in it.
func TestWord(t *testing.T) {
	for text, want := range map[string]string{
		"": "''", "a-b_c.d@e:22": "a-b_c.d@e:22", "~/x": "'~/x'", "a b": "'a b'", "it's": `'it'\''s'`, "$(id)`id`;!*\n\\": "'$(id)`id`;!*\n\\'",
	} {
		word := Word(text)
		if word != want {
			t.Errorf("%q is written %s, not %s", text, word, want)
		}
		for _, word := range []string{word, Quoted(text)} {
			out, err := exec.Command("/bin/sh", "-c", "printf %s "+word).Output()
			if err != nil || string(out) != text {
				t.Errorf("%s: the shell reads %q, %v", word, out, err)
			}
		}
	}
}
