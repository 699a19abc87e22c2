package config

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// installedSSH asks the installed OpenSSH client; without one the test fails,
// because a comparison that silently doesn't happen is worth nothing.
func installedSSH(t *testing.T, args ...string) []string {
	t.Helper()
	cmd := exec.Command("ssh", args...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ssh %s: %v (this test needs OpenSSH's client: apt-get install openssh-client)", strings.Join(args, " "), err)
	}
	return strings.Split(strings.TrimRight(string(out), "\n"), "\n")
}

// peerAlgorithms are what the installed client knows, so that the lists can be
// compared whatever its version.
func peerAlgorithms(t *testing.T) Known {
	t.Helper()
	defaults := values(installedSSH(t, "-G", "-F", "none", "h"))
	kind := func(query, keyword string) Algorithms {
		return Algorithms{All: installedSSH(t, "-Q", query), Default: strings.Split(defaults[keyword][0], ",")}
	}
	return Known{
		Kex:      kind("kex", "kexalgorithms"),
		Ciphers:  kind("cipher", "ciphers"),
		MACs:     kind("mac", "macs"),
		HostKeys: kind("HostKeyAlgorithms", "hostkeyalgorithms"),
		Pubkey:   kind("PubkeyAcceptedAlgorithms", "pubkeyacceptedalgorithms"),

		CASignatures: kind("sig", "casignaturealgorithms"),
	}
}

func values(lines []string) map[string][]string {
	all := map[string][]string{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, " ")
		all[name] = append(all[name], value)
	}
	return all
}

// differences are the keywords that the dump of Debian's OpenSSH 9.2 has
// otherwise, and why. unlessSaid compares them all the same where somebody
// gave the keyword a value.
func differences() map[string]struct {
	why        string
	unlessSaid bool
} {
	return map[string]struct {
		why        string
		unlessSaid bool
	}{
		"requirestrictkex":        {"ours", false},
		"proxyurl":                {"ours", false},
		"enableescapecommandline": {"yes here, by promise", true},
		"identityfile":            {"the default names differ between versions", true},
		"forwardx11trusted":       {"Debian's default is yes", true},
		"gssapikexalgorithms":     {"we have no list of them", true},
		"ipqos":                   {"the default is another since 10.1", true},
		"revokedhostkeys":         {"a list only in 10: printed elsewhere, expanded, and none for nothing", false},
		"casignaturealgorithms":   {"printed without its default here unless known", true},
		"warnweakcrypto":          {"9.2 lacks it", false},
		"obscurekeystroketiming":  {"9.2 lacks it", false},
		"channeltimeout":          {"9.2 lacks it", false},
		"tag":                     {"9.2 lacks it", false},
		"versionaddendum":         {"9.2 lacks it", false},
	}
}

// notCompared says which keywords of a dump differ for a known reason.
func notCompared(keyword string, c *Client) bool {
	if d, ok := differences()[keyword]; ok {
		_, said := c.Origin(keyword)
		return !d.unlessSaid || !said
	}
	if strings.HasPrefix(keyword, "gssapi") { // Debian has its own list of them
		return keyword == "gssapikexalgorithms"
	}
	// Debian's client has 300 with BatchMode
	return keyword == "serveraliveinterval" && c.BatchMode
}

// compared leaves the lines of a dump that are to be the same.
func compared(lines []string, c *Client) []string {
	var kept []string
	for _, line := range lines {
		keyword, _, _ := strings.Cut(line, " ")
		if line == "loglevel SILENT" { // Debian's word for QUIET
			line = "loglevel QUIET"
		}
		if !notCompared(keyword, c) && !socketTwice(line, lines) {
			kept = append(kept, line)
		}
	}
	return kept
}

// socketTwice tells OpenSSH's mistake of listing a local forward to a socket as
// a dynamic one as well.
func socketTwice(line string, lines []string) bool {
	listen, ok := strings.CutPrefix(line, "dynamicforward ")
	return ok && slices.ContainsFunc(lines, func(other string) bool { return strings.HasPrefix(other, "localforward "+listen+" ") })
}

// differ names the first line of two dumps that isn't the same.
func differ(ours, theirs []string) string {
	for i := range max(len(ours), len(theirs)) {
		if i >= len(ours) || i >= len(theirs) || ours[i] != theirs[i] {
			return fmt.Sprintf("here %q, there %q", ours[min(i, len(ours)):min(i+2, len(ours))], theirs[min(i, len(theirs)):min(i+2, len(theirs))])
		}
	}
	return ""
}

// TestSameAsOpenSSH compares whole dumps, line by line, over the corpus: one
// file a line of corpusLines, and the files of corpusFiles.
func TestSameAsOpenSSH(t *testing.T) {
	t.Parallel()
	known := peerAlgorithms(t)
	files := corpusFiles()
	for _, line := range corpusLines() {
		files = append(files, corpusFile{"h", line + "\n", nil})
	}
	if len(files) < 200 {
		t.Errorf("the corpus has shrunk to %d files", len(files))
	}
	for _, test := range files {
		compareDumps(t, known, test, false)
	}
}

// compareDumps compares one file's dump with OpenSSH's. A file that OpenSSH
// refuses must be refused here too, where that is allowed at all.
func compareDumps(t *testing.T, known Known, test corpusFile, mayRefuse bool) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(test.text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"-G", "-F", file}
	for _, option := range test.options {
		args = append(args, "-o", option)
	}
	var said bytes.Buffer
	peer := exec.Command("ssh", append(args, test.host)...)
	peer.Stderr = &said
	out, refused := peer.Output()
	c, err := LoadClient(ClientQuery{Host: test.host, File: file, Options: test.options, Known: known, OnlyShow: true})
	switch {
	case refused != nil && !mayRefuse:
		t.Errorf("OpenSSH refuses %q: %s", test.text, &said)
		return
	case refused != nil && err == nil:
		t.Errorf("OpenSSH alone refuses %q: %s", test.text, &said)
		return
	case refused != nil:
		return
	case err != nil:
		t.Errorf("%q: %v", test.text, err)
		return
	}
	theirs := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if d := differ(compared(c.Dump(), c), compared(theirs, c)); d != "" {
		t.Errorf("%q: %s", test.text, d)
	}
}

// TestSameAsOpenSSHMixed compares files that chance makes of the corpus: blocks
// of several lines, for several hosts. The seed is fixed.
func TestSameAsOpenSSHMixed(t *testing.T) {
	t.Parallel()
	known := peerAlgorithms(t)
	r := rand.New(rand.NewPCG(4, 2026))
	blocks := []string{"", "Host *", "Host web", "Host web db", "Host w* !web", "Host ?eb", "Host *.net web", "Host nobody", "Match all", "Match host web", "Match user bob",
		"Match !user bob host w*", "Match originalhost web", "Match final", "Match final host web.net", "Match exec true", "Match exec \"test %h = web\"", "Match localuser nobody", "Match canonical"}
	lines := slices.DeleteFunc(corpusLines(), func(line string) bool {
		keyword, _, _ := strings.Cut(line, " ")
		// OpenSSH takes these two from blocks that are not for the host.
		return keyword == "SyslogFacility" || keyword == "StreamLocalBindMask" || strings.HasPrefix(keyword, "ForkAfter")
	})
	for range 60 {
		var b strings.Builder
		for range 2 + r.IntN(5) {
			b.WriteString(blocks[r.IntN(len(blocks))] + "\n")
			for range 1 + r.IntN(5) {
				b.WriteString("\t" + lines[r.IntN(len(lines))] + "\n")
			}
		}
		var options []string
		if r.IntN(3) == 0 {
			options = []string{strings.Split(lines[r.IntN(len(lines))], "\n")[0]}
		}
		compareDumps(t, known, corpusFile{[]string{"web", "db", "Web.net", "127.0.0.1"}[r.IntN(4)], b.String(), options}, true)
	}
}

// TestSameErrorsAsOpenSSH holds the words that scripts and people look for.
func TestSameErrorsAsOpenSSH(t *testing.T) {
	t.Parallel()
	known := peerAlgorithms(t)
	for _, text := range badFiles() {
		file := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("ssh", "-G", "-F", file, "h").CombinedOutput()
		if err == nil {
			t.Fatalf("OpenSSH takes %q", text)
		}
		_, err = LoadClient(ClientQuery{Host: "h", File: file, Known: known})
		if err == nil {
			t.Errorf("%q passed", text)
			continue
		}
		if d := unlike(err.Error(), strings.ReplaceAll(string(out), "\r", ""), file); d != "" {
			t.Errorf("%q: here\n%v\nthere\n%s", text, err, d)
		}
	}
}

// unlike gives the line of theirs that ours lacks. Ours may add to a line; what
// is wrong with a Match line is said in another way.
func unlike(ours, theirs, file string) string {
	lines := strings.Split(ours, "\n")
	for _, line := range strings.Split(strings.TrimSpace(theirs), "\n") {
		if !strings.HasPrefix(line, file) || strings.HasSuffix(line, "Bad Match condition") {
			continue
		}
		if !slices.ContainsFunc(lines, func(have string) bool { return strings.HasPrefix(have, line) }) {
			return line
		}
	}
	return ""
}
