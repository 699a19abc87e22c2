package keys

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

func TestKeygenKRL(t *testing.T) {
	k := newKeygenTwin(t)
	k.real(t, "", "-q", "-s", "ca", "-I", "the id", "-n", "me", "-z", "77", "u.pub")
	k.write(t, "spec", "serial: 1-10 # few\nserial: 12\nid: bob\nid: al ice\nserial: 1000-2000\n\n# end\n")
	k.write(t, "keys", "key: "+testpeer.Read(t, "k1.pub")+"sha256: "+testpeer.Read(t, "k2.pub")+"sha1: "+testpeer.Read(t, "rca.pub"))
	k.write(t, "more", "serial: 77\n")
	k.write(t, "by id", "id: the id\n")
	for _, ca := range []string{"ca.pub", "none"} {
		ask := []string{"-Q", "-l", "-f", "krl", "k1.pub", "k2.pub", "rca.pub", "ca.pub", "u.pub", "u-cert.pub"}
		build := func(run func(*testing.T, string, ...string) said) (first, second said) {
			run(t, "", "-k", "-f", "krl", "-s", ca, "-z", "9", "-C", "my comment", "spec", "keys")
			first = k.both(t, "", ask...)
			run(t, "", "-k", "-u", "-f", "krl", "-s", ca, "more")
			second = k.both(t, "", ask...)
			return first, second
		}
		ours, oursMore := build(k.ours)
		theirs, theirsMore := build(k.real)
		if undated(ours) != undated(theirs) || undated(oursMore) != undated(theirsMore) {
			t.Errorf("ours:\n%s%s\ntheirs:\n%s%s", ours.stdout, oursMore.stdout, theirs.stdout, theirsMore.stdout)
		}
	}
	for _, source := range []string{"u-cert.pub", "by id", "u.pub", "ca.pub"} {
		k.both(t, "", "-k", "-f", "krl", "-s", "ca.pub", source)
		k.both(t, "", "-Q", "-f", "krl", "u-cert.pub", "u.pub")
	}
	k.both(t, "", "-k", "-q", "-f", "empty")
	k.both(t, "", "-Q", "-l", "-f", "empty")
}

// undated leaves the line with the time out.
func undated(s said) string {
	lines := strings.Split(s.stdout, "\n")
	return strings.Join(append(lines[:1:1], lines[2:]...), "\n")
}

func TestKeygenKRLTrouble(t *testing.T) {
	k := newKeygenTwin(t)
	k.write(t, "spec", "serial: 1\n")
	k.write(t, "idspec", "id: 1\n")
	for _, line := range []string{
		"-k -s ca spec", "-Q -f nope", "-Q u.pub", "-Q -f spec u.pub", "-k -u -f nope spec", "-k -f krl spec", "-k -f krl idspec",
		"-k -f krl nope", "-k -f krl -s nope spec",
	} {
		k.both(t, "", strings.Fields(line)...)
	}
	for _, text := range []string{"serial: x", "foo", "serial: 5-3", "serial: 3-x", "serial: 99999999999999999999999999", "key: x", "sha1: x"} {
		k.both(t, text+"\n", "-k", "-f", "krl", "-s", "none", "-")
	}
	if _, err := os.Stat(filepath.Join(k.dir, "krl")); err == nil {
		t.Error("a list was written from what can't be used")
	}
}

func TestKeygenSign(t *testing.T) {
	k := newKeygenTwin(t)
	for _, name := range []string{"u", "k1", "rca"} {
		for _, run := range []func(*testing.T, string, ...string) said{k.ours, k.real} {
			signed := run(t, "message", "-Y", "sign", "-f", name, "-n", "file", "-O", "hashalg=sha256")
			if signed.code != 0 || signed.stderr != "Signing data on standard input\n" {
				t.Fatalf("%s: %+v", name, signed)
			}
			k.write(t, "sig", signed.stdout)
			k.both(t, "message", "-Y", "check-novalidate", "-n", "file", "-s", "sig", "-O", "print-pubkey")
			k.both(t, "massage", "-Y", "check-novalidate", "-n", "file", "-s", "sig")
			k.both(t, "message", "-Y", "check-novalidate", "-n", "git", "-s", "sig")
		}
	}
	k.write(t, "m", "message")
	first := k.ours(t, "", "-Y", "sign", "-f", "u", "-n", "file", "m")
	if first != (said{0, "", "Signing file m\nWrite signature to m.sig\n"}) {
		t.Errorf("%+v", first)
	}
	ours := testpeer.Read(t, "m.sig")
	os.Remove("m.sig")
	if again := k.real(t, "", "-Y", "sign", "-f", "u", "-n", "file", "m"); again != first || testpeer.Read(t, "m.sig") != ours {
		t.Errorf("theirs: %+v %s", again, testpeer.Read(t, "m.sig"))
	}
	k.both(t, "n\n", "-Y", "sign", "-f", "u", "-n", "file", "m")
	k.both(t, "y\n", "-Y", "sign", "-f", "u.pub", "-n", "file", "m")
	for _, line := range []string{
		"sign -f nope -n file m", "sign -f u m", "sign -n file m", "sign -f u.pub -n file -O foo m", "sign -f u.pub -n file - m", "sign -f u -n file nope",
		"verify -f s -I x", "verify -n x -f s -I x", "verify -n x -s s -I x", "verify -n x -s s -f x", "find-principals -f s", "find-principals -s s",
		"match-principals -f s", "match-principals -I s", "check-novalidate -n x", "check-novalidate -s x",
	} {
		k.both(t, "", append([]string{"-Y"}, strings.Fields(line)...)...)
	}
}

func TestKeygenVerify(t *testing.T) {
	k := newKeygenTwin(t)
	k.real(t, "", "-q", "-s", "ca", "-I", "x", "-n", "me,you", "-z", "3", "-V", "-1h:+1h", "u.pub")
	k.write(t, "sig", k.ours(t, "message", "-Y", "sign", "-q", "-f", "u", "-n", "file").stdout)
	k.write(t, "certsig", k.ours(t, "message", "-Y", "sign", "-q", "-f", "u-cert.pub", "-n", "file").stdout)
	public := testpeer.Read(t, "u.pub")
	for _, front := range []string{
		"me", "x,me", "m*,!me", "*", `"me"`, `me namespaces="x"`, `me namespaces="f*"`, `me namespaces="git,file"`, `me valid-before="20200101"`,
		`me valid-after="20380101Z"`, `me valid-after="20180101",valid-before="20380101"`, "me foo", `me valid-after="x"`, "me cert-authority",
		`me valid-after="20380101",valid-before="20200101"`, "# x\nyou",
	} {
		k.write(t, "signers", front+" "+public)
		k.both(t, "message", "-Y", "verify", "-f", "signers", "-I", "me", "-n", "file", "-s", "sig", "-O", "verify-time=20190101")
		k.both(t, "message", "-Y", "verify", "-q", "-f", "signers", "-I", "me", "-n", "file", "-s", "sig", "-O", "verify-time=20210101Z")
		k.both(t, "", "-Y", "find-principals", "-f", "signers", "-s", "sig", "-O", "verify-time=20190101")
		k.both(t, "", "-Y", "match-principals", "-f", "signers", "-I", "me")
	}
	k.write(t, "signers", "m*,y* cert-authority "+testpeer.Read(t, "ca.pub"))
	for _, who := range []string{"me", "you"} {
		k.both(t, "message", "-Y", "verify", "-f", "signers", "-I", who, "-n", "file", "-s", "certsig", "-O", "print-pubkey")
	}
	k.both(t, "", "-Y", "find-principals", "-f", "signers", "-s", "certsig")
	if got := k.ours(t, "message", "-Y", "verify", "-f", "signers", "-I", "mex", "-n", "file", "-s", "certsig"); got.code != codeFatal {
		t.Errorf("a name that isn't in the certificate: %+v", got)
	}
	k.write(t, "signers", "me "+public+"me cert-authority "+testpeer.Read(t, "ca.pub"))
	k.real(t, "", "-q", "-k", "-f", "krl", "-s", "ca.pub", "u-cert.pub")
	k.real(t, "", "-q", "-k", "-f", "cakrl", "ca.pub")
	for signature, revoked := range map[string]map[string]bool{
		"sig":     {"u.pub": true, "ca.pub": false, "krl": false, "cakrl": false, "k1.pub": false},
		"certsig": {"u.pub": true, "ca.pub": true, "krl": true, "cakrl": true, "k1.pub": false},
	} {
		for file, want := range revoked {
			args := []string{"-Y", "verify", "-f", "signers", "-I", "me", "-n", "file", "-s", signature, "-r", file}
			got, theirs := k.ours(t, "message", args...), k.real(t, "message", args...)
			if got.stdout != theirs.stdout || got.code != theirs.code || (got.code != 0) != want {
				t.Errorf("%s with %s: %+v, theirs %+v", signature, file, got, theirs)
			}
		}
	}
	for _, line := range []string{"-f nope -I me -n file -s sig", "-f signers -I me -n file -s nope", "-O verify-time=foo -f signers -I me -n file -s sig"} {
		k.both(t, "message", append([]string{"-Y", "verify"}, strings.Fields(line)...)...)
	}
}
