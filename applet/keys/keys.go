package keys

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/term"
)

// ownKeys is one run of nacre keys: what the options said, and the keys that
// were found, in that order.
type ownKeys struct {
	*door.Env
	home string
	hash keyfile.Hash
	keys []*ownKey
	by   map[string]*ownKey // by the public key's blob
	bad  []string           // files that look like keys and can't be read, with the reason
}

// An ownKey is one key and everything that is known about it.
type ownKey struct {
	public  key.Public
	comment string
	private bool     // a private half was found: in a file or an agent
	places  []string // where it is
	uses    []string // what uses it, or lets it in
	weak    []string // why it should go
}

const keysOperands = "[file or directory ...]"

// runKeys is the program "nacre keys": every key that a person has.
func runKeys(ctx context.Context, e *door.Env) int {
	k := &ownKeys{Env: e, hash: keyfile.SHA256, by: map[string]*ownKey{}}
	table := getopt.Table{
		{Letter: 'E', Arg: "fingerprint_hash", Help: "sha256 or md5", Do: k.setHash},
	}
	operands, err := table.Parse(e.Args, len(e.Args))
	if err == nil {
		k.home, err = os.UserHomeDir()
	}
	if err != nil {
		e.Errorf("nacre keys: %v\n%s", err, strings.TrimSuffix(table.Usage("nacre keys", keysOperands), "\n"))
		return 2
	}
	if err := k.find(ctx, operands); err != nil {
		e.Errorf("nacre keys: %v", err)
		return 1
	}
	k.print()
	return 0
}

func (k *ownKeys) setHash(name string) error {
	switch strings.ToLower(name) {
	case "sha256":
		k.hash = keyfile.SHA256
	case "md5":
		k.hash = keyfile.MD5
	default:
		return errors.New("the fingerprint's hash is sha256 or md5")
	}
	return nil
}

// note returns the row of a key, a new one at its first mention.
func (k *ownKeys) note(public key.Public, comment string) *ownKey {
	row := k.by[string(public.Blob())]
	if row == nil {
		row = &ownKey{public: public, weak: weaknesses(public)}
		k.by[string(public.Blob())] = row
		k.keys = append(k.keys, row)
	}
	if row.comment == "" {
		row.comment = comment
	}
	return row
}

// print lists the keys, each with what is known about it.
func (k *ownKeys) print() {
	if len(k.keys) == 0 && len(k.bad) == 0 {
		fmt.Fprintln(k.Stdout, "No keys were found; ssh-keygen makes one.")
		return
	}
	for _, row := range k.keys {
		comment := term.Printable(row.comment)
		if comment == "" {
			comment = "no comment"
		}
		fmt.Fprintf(k.Stdout, "%s %d %s %s\n", key.ShortName(row.public.Type()), row.public.Bits(), keyfile.Fingerprint(row.public, k.hash), comment)
		for _, part := range []struct {
			label string
			lines []string
		}{{"in", row.places}, {"used by", row.uses}, {"weak:", row.weak}} {
			for _, line := range part.lines {
				fmt.Fprintf(k.Stdout, "    %-8s %s\n", part.label, line)
			}
		}
		if !row.private {
			fmt.Fprintln(k.Stdout, "    its private half was not found")
		}
	}
	for _, line := range k.bad {
		fmt.Fprintf(k.Stdout, "unreadable: %s\n", line)
	}
}

// short is a path as a person writes it.
func (k *ownKeys) short(path string) string {
	if rest, ok := strings.CutPrefix(path, k.home+string(os.PathSeparator)); ok {
		path = "~" + string(os.PathSeparator) + rest
	}
	return term.Printable(path)
}
