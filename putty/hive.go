package putty

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
)

// A value is one of a registry key.
type value struct {
	name string
	kind uint32
	text string // of a REG_SZ
	num  uint32 // of a REG_DWORD
	list []string
	raw  []byte // of any other kind, as the file has it
}

// The registry's kinds of values (winnt.h).
const (
	kindText   = 1 // REG_SZ
	kindNumber = 4 // REG_DWORD
	kindList   = 7 // REG_MULTI_SZ
)

// A hive is the part of a registry below PuTTY's key. A path has backslashes,
// none at its beginning. What isn't there gives fs.ErrNotExist.
type hive interface {
	keys(path string) ([]string, error)
	values(path string) ([]value, error)
	setValue(path string, v value) error // makes the keys on the way
	deleteValue(path, name string) error
	deleteKey(path string) error // and what is below it
}

// A hiveStore is PuTTY's store on Windows, in any hive.
type hiveStore struct{ hive hive }

const hostKeysKey = "SshHostKeys"

func keyPath(s Section, name string) string { return string(s) + `\` + EscapeKey(name) }

// Names implements [Records].
func (h hiveStore) Names(s Section) ([]string, error) {
	keys, err := h.hive.keys(string(s))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, key := range keys {
		names = append(names, Unescape(key))
	}
	slices.Sort(names)
	return names, nil
}

// Load implements [Records].
func (h hiveStore) Load(s Section, name string) (Record, error) {
	values, err := h.hive.values(keyPath(s, name))
	if err != nil {
		return nil, err
	}
	var r Record
	for _, v := range values {
		switch v.kind {
		case kindText:
			r = append(r, Setting{Name: v.name, Text: v.text})
		case kindNumber:
			r = append(r, Setting{Name: v.name, Text: strconv.Itoa(int(int32(v.num))), Number: true})
		case kindList:
			for _, text := range v.list {
				r = append(r, Setting{Name: v.name, Text: text, List: true})
			}
		}
	}
	return r, nil
}

// Save implements [Records].
func (h hiveStore) Save(s Section, name string, r Record) error {
	path := keyPath(s, name)
	old, err := h.hive.values(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	values, err := valuesOf(r)
	if err != nil {
		return err
	}
	for _, v := range values {
		if err := h.hive.setValue(path, v); err != nil {
			return err
		}
	}
	for _, v := range old {
		if _, stays := r.Get(v.name); stays {
			continue
		}
		if err := h.hive.deleteValue(path, v.name); err != nil {
			return err
		}
	}
	return nil
}

func valuesOf(r Record) ([]value, error) {
	var values []value
	listed := map[string]bool{}
	for _, s := range r {
		switch {
		case s.List && listed[s.Name]:
		case s.List:
			listed[s.Name] = true
			values = append(values, value{name: s.Name, kind: kindList, list: r.List(s.Name)})
		case s.Number:
			n, err := strconv.ParseInt(s.Text, 10, 64)
			if err != nil {
				return nil, err
			}
			values = append(values, value{name: s.Name, kind: kindNumber, num: uint32(n)})
		default:
			values = append(values, value{name: s.Name, kind: kindText, text: s.Text})
		}
	}
	return values, nil
}

// Delete implements [Records].
func (h hiveStore) Delete(s Section, name string) error { return h.hive.deleteKey(keyPath(s, name)) }

// HostKeys implements [HostKeys]; values that are none are passed over.
func (h hiveStore) HostKeys() ([]HostKey, error) {
	values, err := h.hive.values(hostKeysKey)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []HostKey
	for _, v := range values {
		if k, ok := hostKeyOf(v.name); ok && v.kind == kindText {
			k.Data = v.text
			all = append(all, k)
		}
	}
	return all, nil
}

// hostKeyOf reads a value's name: only the host in it is escaped.
func hostKeyOf(name string) (HostKey, bool) {
	k, ok := parseID(name)
	k.Host = Unescape(k.Host)
	return k, ok && k.check() == nil
}

func (k HostKey) valueName() string {
	escaped := k
	escaped.Host = escapeKey(k.Host)
	return escaped.id()
}

// PutHostKeys implements [HostKeys].
func (h hiveStore) PutHostKeys(keys ...HostKey) error {
	for _, k := range keys {
		if err := k.check(); err != nil {
			return err
		}
		if err := h.hive.setValue(hostKeysKey, value{name: k.valueName(), kind: kindText, text: k.Data}); err != nil {
			return err
		}
	}
	return nil
}

// DeleteHostKey implements [HostKeys].
func (h hiveStore) DeleteHostKey(k HostKey) error {
	return h.hive.deleteValue(hostKeysKey, k.valueName())
}
