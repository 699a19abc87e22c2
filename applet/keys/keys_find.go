package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/term"
)

// Limits of what is looked into.
const (
	maxKeyFiles = 4096    // in one directory
	maxTextFile = 4 << 20 // of a configuration or authorized_keys, in bytes
)

// find looks into the places where keys are, or into those that are named.
func (k *ownKeys) find(ctx context.Context, named []string) error {
	for _, path := range named {
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("%s: %s", path, door.Sentence(err))
		}
		if info.IsDir() {
			k.directory(path)
		} else {
			k.file(path)
		}
	}
	if len(named) == 0 {
		k.directory(filepath.Join(k.home, ".ssh"))
		k.directory(putty.DefaultDir(k.Getenv, k.home))
	}
	config := k.configuration(len(named) == 0)
	sessions := k.sessions(len(named) == 0)
	k.agent(ctx, len(named) == 0)
	k.used(config)
	k.used(sessions)
	k.admitted()
	return nil
}

// directory looks into the files of a directory, not below it.
func (k *ownKeys) directory(dir string) {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		k.bad = append(k.bad, k.short(dir)+": "+door.Sentence(err))
		return
	}
	defer d.Close()
	entries, err := d.ReadDir(maxKeyFiles)
	if err != nil && !errors.Is(err, io.EOF) {
		k.bad = append(k.bad, k.short(dir)+": "+door.Sentence(err))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, entry := range entries {
		k.file(filepath.Join(dir, entry.Name()))
	}
}

// notKeys are files of ~/.ssh that hold the keys of others.
var notKeys = [...]string{"authorized_keys", "authorized_keys2", "known_hosts", "known_hosts.old", "known_hosts2", "allowed_signers", "config", "environment", "rc"}

// file notes the key that a file holds, if it holds one.
func (k *ownKeys) file(path string) {
	for _, name := range notKeys {
		if filepath.Base(path) == name {
			return
		}
	}
	info, err := os.Stat(path) // follows links, as ssh does
	if err != nil || !info.Mode().IsRegular() || info.Size() > keyfile.MaxFile {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return // what can't be read is no key of this person's
	}
	defer clear(text)
	if format, ok := keyfile.FormatOf(text); ok {
		k.privateFile(path, info, format, text)
		return
	}
	if public, comment, _, err := keyfile.ParsePublic(text); err == nil {
		row := k.note(public, comment)
		row.places = append(row.places, k.short(path)+" (public)")
	}
}

func (k *ownKeys) privateFile(path string, info fs.FileInfo, format keyfile.Format, text []byte) {
	public, comment, encrypted, err := keyfile.Shown(text)
	if err != nil && encrypted {
		public, comment, err = beside(path)
	}
	if err != nil {
		k.bad = append(k.bad, k.short(path)+": "+term.Printable(err.Error()))
		return
	}
	row := k.note(public, comment)
	row.private = true
	lock := "not encrypted"
	if encrypted {
		lock = "encrypted"
	}
	row.places = append(row.places, fmt.Sprintf("%s (%s, %s)", k.short(path), format, lock))
	if err := keyfile.CheckPermissions(path, info); err != nil {
		row.weak = append(row.weak, "others can read "+k.short(path)+": chmod 600 makes it private, ssh refuses it until then")
	}
	if format == keyfile.FormatPPK {
		row.weak = append(row.weak, biasedNonces(public, info.ModTime())...)
	}
}

// beside reads the .pub file of a private key that shows nothing of itself.
func beside(path string) (key.Public, string, error) {
	text, err := os.ReadFile(path + ".pub")
	if err != nil {
		return nil, "", errors.New("it is encrypted, and there is no .pub file to tell which key it is")
	}
	public, comment, _, err := keyfile.ParsePublic(text)
	return public, comment, err
}

// agent notes the keys of the agent that the environment names.
func (k *ownKeys) agent(ctx context.Context, wanted bool) {
	socket := k.AuthSocket()
	if socket == "" || !wanted {
		return
	}
	a, err := agent.Dial(ctx, socket)
	if errors.Is(err, fs.ErrNotExist) && k.Getenv("SSH_AUTH_SOCK") == "" {
		return // the usual place, and nobody is there
	}
	if err != nil {
		k.bad = append(k.bad, "the agent at "+k.short(socket)+": "+door.Sentence(err))
		return
	}
	defer a.Close()
	ids, err := a.List(ctx)
	if err != nil {
		k.bad = append(k.bad, "the agent at "+k.short(socket)+": "+door.Sentence(err))
		return
	}
	for _, id := range ids {
		public, err := key.ParsePublic(id.Blob)
		if err != nil {
			continue // a certificate, whose key is in the list, too
		}
		row := k.note(public, id.Comment)
		row.private = true
		row.places = append(row.places, "the agent")
	}
}

// A keyUse is a place that names a key file.
type keyUse struct{ path, by string }

// used tells of each file that is named, which key that is.
func (k *ownKeys) used(uses []keyUse) {
	for _, use := range uses {
		text, err := os.ReadFile(use.path)
		if err != nil || len(text) > keyfile.MaxFile {
			continue
		}
		public, _, _, err := keyfile.Shown(text)
		if err != nil {
			if public, _, err = beside(use.path); err != nil {
				public, _, _, err = keyfile.ParsePublic(text)
			}
		}
		clear(text)
		if err != nil {
			continue
		}
		if row := k.by[string(public.Blob())]; row != nil {
			row.uses = append(row.uses, use.by)
		}
	}
}

// configuration finds the files that IdentityFile lines of ~/.ssh/config name;
// those that lie elsewhere are noted, too.
func (k *ownKeys) configuration(wanted bool) (uses []keyUse) {
	path := filepath.Join(k.home, ".ssh", "config")
	host := "every host"
	n := 0
	for line := range bytes.Lines(cappedText(path)) {
		n++
		keyword, value := config.SplitOption(strings.TrimSpace(string(line)))
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(keyword) {
		case "host":
			host = "Host " + value
		case "match":
			host = "Match " + value
		case "identityfile":
			if value == "none" || strings.Contains(value, "%") && !strings.HasPrefix(value, "%d/") {
				continue // which file that is depends on the host
			}
			file := k.absolute(strings.Replace(value, "%d", k.home, 1))
			if wanted && filepath.Dir(file) != filepath.Join(k.home, ".ssh") {
				k.file(file)
			}
			uses = append(uses, keyUse{file, fmt.Sprintf("%s:%d (%s)", k.short(path), n, term.Printable(host))})
		}
	}
	return uses
}

// absolute is a path of the configuration.
func (k *ownKeys) absolute(path string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok {
		return filepath.Join(k.home, rest)
	}
	return path
}

// sessions finds the files that PuTTY's saved sessions name.
func (k *ownKeys) sessions(wanted bool) (uses []keyUse) {
	dir := k.Getenv("PUTTYSESSIONS")
	if dir == "" {
		dir = filepath.Join(putty.DefaultDir(k.Getenv, k.home), "sessions")
	}
	paths, _ := filepath.Glob(filepath.Join(dir, "*")) // the pattern is sound
	for _, path := range paths[:min(len(paths), maxKeyFiles)] {
		for line := range bytes.Lines(cappedText(path)) {
			file, ok := strings.CutPrefix(strings.TrimRight(string(line), "\r\n"), "PublicKeyFile=")
			if !ok || file == "" {
				continue
			}
			if wanted {
				k.elsewhere(file)
			}
			uses = append(uses, keyUse{file, "PuTTY session " + term.Printable(putty.Unescape(filepath.Base(path)))})
		}
	}
	return uses
}

// elsewhere notes a file that was named and lies in none of the usual places.
func (k *ownKeys) elsewhere(file string) {
	for _, dir := range []string{filepath.Join(k.home, ".ssh"), putty.DefaultDir(k.Getenv, k.home)} {
		if filepath.Dir(file) == dir {
			return
		}
	}
	k.file(file)
}

// admitted tells which of the keys let in to this account.
func (k *ownKeys) admitted() {
	path := filepath.Join(k.home, ".ssh", "authorized_keys")
	text := cappedText(path)
	keyfile.ScanAuthorizedKeys(bytes.NewReader(text), func(line int, a keyfile.AuthorizedKey, err error) bool {
		if err == nil {
			if row := k.by[string(a.Key.Blob())]; row != nil {
				row.uses = append(row.uses, fmt.Sprintf("%s:%d (it opens this account)", k.short(path), line))
			}
		}
		return true
	})
}

// cappedText is the text of a file that may be missing, cut at maxTextFile.
func cappedText(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	text, _ := io.ReadAll(io.LimitReader(f, maxTextFile)) // what is read of a damaged disk is enough
	return text
}
