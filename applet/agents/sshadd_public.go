package agents

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/wire"
)

// A publicFile is a public key or a certificate as a file shows it.
type publicFile struct {
	blob    []byte
	comment string
}

var errNotPublic = errors.New("invalid format")

// readPublicLine reads "type base64 comment". Certificates are taken as they
// are: the agent looks for the same bytes.
func readPublicLine(line string) (publicFile, error) {
	fields := strings.SplitN(strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t"), " ", 3)
	if len(fields) < 2 {
		return publicFile{}, errNotPublic
	}
	blob, err := base64.StdEncoding.DecodeString(fields[1])
	if err != nil {
		return publicFile{}, errNotPublic
	}
	r := wire.NewReader(blob)
	if r.String() != fields[0] {
		return publicFile{}, errNotPublic
	}
	if _, _, err := agent.Plain(blob); err != nil {
		return publicFile{}, errNotPublic
	}
	p := publicFile{blob: blob}
	if len(fields) == 3 {
		p.comment = fields[2]
	}
	return p, nil
}

// publicIn finds the public key of a file: in it, in the .pub beside it, or in
// the private key that it holds.
func publicIn(path string) (publicFile, error) {
	text, err := door.ReadCapped(path)
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if p, err := readPublicLine(line); err == nil {
				return p, nil
			}
		}
	}
	if beside, besideErr := door.ReadCapped(path + ".pub"); besideErr == nil {
		if p, err := readPublicLine(string(door.FirstLine(beside))); err == nil {
			return p, nil
		}
	}
	if err != nil {
		return publicFile{}, err
	}
	defer clear(text)
	k, _, err := keyfile.ParsePublicOf(text)
	if err != nil {
		return publicFile{}, errNotPublic
	}
	return publicFile{blob: k.Blob()}, nil
}

// certTime is a time in a certificate, in seconds since 1970.
type certTime uint64

// Time stops where the system's does.
func (t certTime) Time() time.Time { return time.Unix(int64(min(uint64(t), math.MaxInt64/2)), 0) }

// readCertificate reads a certificate, its key id and its end, which is 0 for
// one that has none (PROTOCOL.certkeys).
func readCertificate(path string) (blob []byte, id string, before certTime, err error) {
	text, err := door.ReadCapped(path)
	if err != nil {
		return nil, "", 0, err
	}
	p, err := readPublicLine(string(door.FirstLine(text)))
	if err != nil {
		return nil, "", 0, err
	}
	_, certificate, err := agent.Plain(p.blob)
	if err != nil || !certificate {
		return nil, "", 0, errNotPublic
	}
	id, before, err = certificateEnd(p.blob)
	return p.blob, id, before, err
}

// certificateEnd steps over a certificate's key, whose fields differ, to what
// all have behind it.
func certificateEnd(blob []byte) (id string, before certTime, err error) {
	plain, _, err := agent.Plain(blob)
	if err != nil {
		return "", 0, err
	}
	r := wire.NewReader(blob)
	r.Bytes() // type
	r.Bytes() // nonce
	k := wire.NewReader(plain.Blob())
	for k.Bytes(); k.Len() > 0 && k.Err() == nil; k.Bytes() {
		r.Bytes()
	}
	r.Uint64() // serial
	r.Uint32() // user or host
	id = r.String()
	r.Bytes()  // principals
	r.Uint64() // valid after
	if before = certTime(r.Uint64()); before == math.MaxUint64 {
		before = 0
	}
	return id, before, r.Err()
}

// shortType is how ssh-add names the type of a key or a certificate.
func shortType(blob []byte) string {
	k, certificate, err := agent.Plain(blob)
	switch {
	case err != nil:
		return "unknown"
	case certificate:
		return key.ShortName(k.Type()) + "-CERT"
	}
	return key.ShortName(k.Type())
}

// listKeys is -l and -L.
func (r *addRun) listKeys(ctx context.Context) bool {
	list, err := r.agent.List(ctx)
	if err != nil {
		r.Errorf("error fetching identities: %s", agentTrouble(err))
		return false
	}
	if len(list) == 0 {
		fmt.Fprintln(r.Stdout, "The agent has no identities.")
		return false
	}
	for _, id := range list {
		k, _, err := agent.Plain(id.Blob)
		switch {
		case err != nil: // of a type from the future
		case r.list == 'l':
			fmt.Fprintf(r.Stdout, "%d %s %s (%s)\n", k.Bits(), keyfile.Fingerprint(k, r.hash), term.Printable(id.Comment), shortType(id.Blob))
		default:
			b := wire.NewReader(id.Blob)
			fmt.Fprintf(r.Stdout, "%s %s %s\n", b.String(), base64.StdEncoding.EncodeToString(id.Blob), term.Printable(id.Comment))
		}
	}
	return true
}

func (r *addRun) listExtensions(ctx context.Context) int {
	names, err := r.agent.Extensions(ctx)
	if err != nil {
		return r.fatal("unable to query supported extensions: %s", agentTrouble(err))
	}
	for _, name := range names {
		fmt.Fprintln(r.Stdout, term.Printable(name))
	}
	return addOK
}

// lockAgent is -x and -X.
func (r *addRun) lockAgent(ctx context.Context) bool {
	un := "un"
	if r.lock == 'x' {
		un = ""
	}
	password, _ := r.ReadSecret(ctx, door.AskInput, "Enter lock password: ")
	defer clear(password)
	do := r.agent.Unlock
	if r.lock == 'x' {
		again, _ := r.ReadSecret(ctx, door.AskInput, "Again: ")
		defer clear(again)
		if !bytes.Equal(password, again) {
			r.Errorf("Passwords do not match.")
			return false
		}
		do = r.agent.Lock
	}
	if err := do(ctx, password); err != nil {
		r.Errorf("Failed to %slock agent: %s", un, agentTrouble(err))
		return false
	}
	r.Errorf("Agent %slocked.", un)
	return true
}

// removeAll is -D.
func (r *addRun) removeAll(ctx context.Context) bool {
	if r.agent.RemoveAll(ctx) != nil {
		r.Errorf("Failed to remove all identities.")
		return false
	}
	if !r.quiet {
		r.Errorf("All identities removed.")
	}
	return true
}

// remove is -d for one file.
func (r *addRun) remove(ctx context.Context, path string) bool {
	if path == "-" {
		return r.removeLines(ctx)
	}
	p, err := publicIn(path)
	if err != nil {
		fmt.Fprintf(r.Stdout, "Bad key file %s: %s\n", path, keyTrouble(err))
		return false
	}
	ok := r.wants(p.blob) && r.removeOne(ctx, p, path)
	if r.keyOnly {
		return ok
	}
	if text, err := door.ReadCapped(path); err == nil {
		if blob := keyfile.CertificateIn(text); blob != nil {
			ok = r.removeOne(ctx, publicFile{blob, p.comment}, path) || ok
		}
		clear(text)
	}
	certPath := path + "-cert.pub"
	blob, _, _, err := readCertificate(certPath)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.say("Failed to load certificate \"%s\": %s", certPath, keyTrouble(err))
		}
		return ok
	}
	comment := ""
	if c, err := publicIn(certPath); err == nil {
		comment = c.comment
	}
	return r.removeOne(ctx, publicFile{blob, comment}, certPath) || ok
}

// wants tells whether -k and -C let a key pass.
func (r *addRun) wants(blob []byte) bool {
	_, certificate, _ := agent.Plain(blob)
	return !r.keyOnly && !r.certOnly || r.keyOnly && !certificate || r.certOnly && certificate
}

func (r *addRun) removeOne(ctx context.Context, p publicFile, path string) bool {
	if err := r.agent.Remove(ctx, p.blob); err != nil {
		r.Errorf("Could not remove identity \"%s\": %s", path, agentTrouble(err))
		return false
	}
	if !r.quiet {
		comment := p.comment
		if comment == "" {
			comment = "no comment"
		}
		r.Errorf("Identity removed: %s %s (%s)", path, shortType(p.blob), term.Printable(comment))
	}
	return true
}

// removeLines removes the keys that standard input lists.
func (r *addRun) removeLines(ctx context.Context) bool {
	text, err := io.ReadAll(io.LimitReader(r.Stdin, keyfile.MaxFile))
	if err != nil {
		r.Errorf("(stdin): %s", door.Sentence(err))
		return false
	}
	ok, n := false, 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimLeft(strings.TrimRight(line, "\r\n"), " \t")
		if line == "" || line[0] == '#' {
			continue
		}
		p, err := readPublicLine(line)
		if err != nil {
			r.say("(stdin):%d: invalid key: %v", n, err)
			continue
		}
		if r.wants(p.blob) {
			ok = r.removeOne(ctx, p, "(stdin)") || ok
		}
	}
	return ok
}

// testKeys is -T: the agent signs, and the signature is verified.
func (r *addRun) testKeys(ctx context.Context, paths []string) int {
	if len(paths) == 0 {
		return r.fatal("no keys to test")
	}
	ok := true
	for _, path := range paths {
		ok = r.testKey(ctx, path) && ok
	}
	return r.code(ok)
}

func (r *addRun) testKey(ctx context.Context, path string) bool {
	p, err := publicIn(path)
	if err != nil {
		r.say("Couldn't read public key %s: %s", path, keyTrouble(err))
		return false
	}
	k, _, err := agent.Plain(p.blob)
	if err != nil {
		r.say("Couldn't read public key %s: %v", path, err)
		return false
	}
	algorithm, flags := k.Algorithms()[0], uint32(0)
	if k.Type() == key.TypeRSA {
		algorithm, flags = key.AlgRSASHA256, agent.FlagRSASHA256
	}
	data := make([]byte, 1024)
	rand.Read(data)
	signature, err := r.agent.Sign(ctx, p.blob, data, flags)
	if err != nil {
		r.say("Agent signature failed for %s: %s", path, agentTrouble(err))
		return false
	}
	if k.Verify(algorithm, data, signature) != nil {
		r.say("Signature verification failed for %s: incorrect signature", path)
		return false
	}
	return true
}
