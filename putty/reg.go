package putty

import (
	"slices"
	"strings"
)

// registryRoot is PuTTY's key. It never reads HKEY_LOCAL_MACHINE.
const (
	registryRoot = `Software\SimonTatham\PuTTY`
	regRoot      = `HKEY_CURRENT_USER\` + registryRoot
)

// A Reg is a registry in memory: what a .reg file holds of PuTTY's key, made
// by [NewReg] or [ParseReg]. It is a [Store].
type Reg struct {
	hiveStore
	tree *tree
	// Deletions are what a file that was read takes away, in its order; they
	// are done in the Reg itself.
	deletions []deletion
}

// A deletion is of a key, or of one value.
type deletion struct {
	path, name string
	whole      bool
}

var _ Store = (*Reg)(nil)

// NewReg returns an empty registry.
func NewReg() *Reg {
	t := &tree{at: map[string]*treeKey{}}
	return &Reg{hiveStore: hiveStore{t}, tree: t}
}

// A tree is a hive in memory, in the order it was filled. Case doesn't count:
// what is looked up by is in lower case.
type tree struct {
	list []*treeKey
	at   map[string]*treeKey
}

type treeKey struct {
	path   string
	values []value
	at     map[string]int // a value's place
}

func (t *tree) find(path string) *treeKey { return t.at[strings.ToLower(path)] }

// grow makes a key; those above it are there by their names alone.
func (t *tree) grow(path string) *treeKey {
	k := t.find(path)
	if k == nil {
		k = &treeKey{path: path, at: map[string]int{}}
		t.list = append(t.list, k)
		t.at[strings.ToLower(path)] = k
	}
	return k
}

func (t *tree) keys(path string) ([]string, error) {
	var names []string
	seen := map[string]bool{}
	for _, k := range t.list {
		rest, below := cutFold(k.path, path+`\`)
		name, _, _ := strings.Cut(rest, `\`)
		if below && name != "" && !seen[strings.ToLower(name)] {
			seen[strings.ToLower(name)] = true
			names = append(names, name)
		}
	}
	return names, nil
}

// cutFold is strings.CutPrefix without regard to case.
func cutFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

func (t *tree) values(path string) ([]value, error) {
	k := t.find(path)
	if k == nil {
		return nil, notExist("open", path)
	}
	return slices.Clone(k.values), nil
}

func (t *tree) setValue(path string, v value) error {
	k := t.grow(path)
	if i, ok := k.at[strings.ToLower(v.name)]; ok {
		k.values[i] = v
		return nil
	}
	k.at[strings.ToLower(v.name)] = len(k.values)
	k.values = append(k.values, v)
	return nil
}

func (t *tree) deleteValue(path, name string) error {
	k := t.find(path)
	if k == nil {
		return notExist("open", path)
	}
	i, ok := k.at[strings.ToLower(name)]
	if !ok {
		return notExist("delete", name)
	}
	k.values = slices.Delete(k.values, i, i+1)
	clear(k.at)
	for i, v := range k.values {
		k.at[strings.ToLower(v.name)] = i
	}
	return nil
}

func (t *tree) deleteKey(path string) error {
	had := len(t.list)
	t.list = slices.DeleteFunc(t.list, func(k *treeKey) bool {
		_, gone := cutFold(k.path+`\`, path+`\`)
		if gone {
			delete(t.at, strings.ToLower(k.path))
		}
		return gone
	})
	if len(t.list) == had {
		return notExist("delete", path)
	}
	return nil
}
