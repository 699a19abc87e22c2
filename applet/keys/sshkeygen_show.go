package keys

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// printPublic is -y.
func (k *keygen) printPublic(ctx context.Context) int {
	if code, ok := k.existing(""); !ok {
		return code
	}
	id, err := k.loadIdentity(ctx)
	if err != nil {
		return k.cantLoad("Load key \""+k.file+"\"", err)
	}
	clear(id.passphrase)
	k.say("%s", keyfile.MarshalAuthorizedKey(keyfile.AuthorizedKey{Key: id.Public(), Comment: id.comment}))
	return 0
}

// fingerprints is -l and -B: one line for each key of a file, which may be a
// key pair's, authorized_keys or known_hosts.
func (k *keygen) fingerprints(context.Context) int {
	if !k.needFile("Enter file in which the key is") {
		return codeFailed
	}
	name, in := k.file, io.Reader(k.Stdin)
	if k.file == "-" {
		name = "(stdin)"
	} else {
		text, err := os.Open(k.file)
		if err != nil {
			return k.fatal(fatalf("%s: %s: %s", k.Name, k.file, reason(err)))
		}
		defer text.Close()
		if head, isPrivate := k.looksPrivate(text); isPrivate {
			return k.fingerprintOfPrivate()
		} else {
			in = io.MultiReader(bytes.NewReader(head), text)
		}
	}
	found, err := k.fingerprintLines(in)
	if err != nil {
		return k.fatal(fatalf("%s: %s", name, reason(err)))
	}
	if !found && k.file != "-" {
		found = k.fingerprintOfForeign()
	}
	if !found {
		return k.fatal(fatalf("%s is not a public key file.", name))
	}
	return 0
}

// looksPrivate reads the beginning of a file, which it returns, and reports
// whether a private key begins there.
func (k *keygen) looksPrivate(f io.Reader) (head []byte, private bool) {
	head = make([]byte, 64*1024)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	_, private = keyfile.FormatOf(head)
	return head, private
}

// fingerprintOfPrivate shows a private key file by its public half, of the
// .pub file where there is one, which has the comment.
func (k *keygen) fingerprintOfPrivate() int {
	public, comment, err := shownPublic(k.file)
	if err != nil {
		return k.fatal(fatalf("%s is not a key file.", k.file))
	}
	k.fingerprint(public, comment)
	return 0
}

// fingerprintOfForeign tries the public formats that have more than one line.
func (k *keygen) fingerprintOfForeign() bool {
	text, err := door.ReadCapped(k.file)
	if err != nil {
		return false
	}
	public, comment, _, err := keyfile.ParsePublic(text)
	if err != nil {
		return false
	}
	k.fingerprint(public, comment)
	return true
}

// fingerprintLines shows every line that holds a key.
func (k *keygen) fingerprintLines(r io.Reader) (found bool, err error) {
	b := bufio.NewReaderSize(r, keyfile.MaxLine)
	for {
		line, err := b.ReadSlice('\n')
		tooLong := err == bufio.ErrBufferFull
		for err == bufio.ErrBufferFull {
			_, err = b.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return found, err
		}
		if public, comment, ok := listedKey(line); ok && !tooLong {
			k.fingerprint(public, comment)
			found = true
		}
		if err == io.EOF {
			return found, nil
		}
	}
}

// listedKey reads a key with or without something before it, which is options
// or a host's names and serves as the comment where there is no other.
func listedKey(line []byte) (public key.Public, comment string, ok bool) {
	line = bytes.Trim(line, " \t\r\n")
	if len(line) == 0 || line[0] == '#' {
		return nil, "", false
	}
	before := ""
	public, comment, err := cert.ParseLine(line)
	if err != nil {
		first, rest := cutQuoted(line)
		if public, comment, err = cert.ParseLine(rest); err != nil {
			return nil, "", false
		}
		before = string(first)
	}
	if comment == "" || strings.HasPrefix(comment, "#") {
		comment = before
	}
	return public, comment, true
}

// cutQuoted splits at the first blank outside of quotes.
func cutQuoted(line []byte) (first, rest []byte) {
	quoted := false
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\\' && i+1 < len(line) && line[i+1] == '"':
			i++
		case c == '"':
			quoted = !quoted
		case (c == ' ' || c == '\t') && !quoted:
			return line[:i], line[i+1:]
		}
	}
	return line, nil
}

// fingerprint prints one key's line, and with -v its picture.
func (k *keygen) fingerprint(public key.Public, comment string) {
	if comment == "" {
		comment = "no comment"
	}
	plain, hash := cert.PlainKey(public), keyfile.Hash(k.hash)
	digest := keyfile.Fingerprint(plain, hash)
	if k.asked('B') {
		digest = keyfile.Bubblebabble(plain)
	}
	typ := cert.ShortName(public.Type())
	k.say("%d %s %s (%s)\n", public.Bits(), digest, term.Printable(comment), typ)
	if k.verbose > 0 {
		k.say("%s\n", keyfile.RandomartTitled(plain, hash, typ))
	}
}
