package putty

import (
	"errors"
	"io/fs"
	"strings"

	"golang.org/x/sys/windows/registry"
)

// OpenRegistry is PuTTY's store on Windows, for the user who runs this.
func OpenRegistry() Store { return hiveStore{windowsHive{registryRoot}} }

// A windowsHive is below a key of HKEY_CURRENT_USER.
type windowsHive struct{ root string }

func (h windowsHive) full(path string) string { return h.root + `\` + path }

// found gives what isn't there the error that everybody knows.
func found(op, path string, err error) error {
	if errors.Is(err, registry.ErrNotExist) {
		return notExist(op, path)
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

func (h windowsHive) open(path string, access uint32) (registry.Key, error) {
	k, err := registry.OpenKey(registry.CURRENT_USER, h.full(path), access)
	return k, found("open", path, err)
}

func (h windowsHive) keys(path string) ([]string, error) {
	k, err := h.open(path, registry.ENUMERATE_SUB_KEYS)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	return k.ReadSubKeyNames(-1)
}

func (h windowsHive) values(path string) ([]value, error) {
	k, err := h.open(path, registry.QUERY_VALUE)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	names, err := k.ReadValueNames(-1)
	if err != nil {
		return nil, found("list", path, err)
	}
	var values []value
	for _, name := range names {
		v, err := readValue(k, name)
		if errors.Is(err, registry.ErrNotExist) {
			continue // taken away meanwhile
		}
		if err != nil {
			return nil, found("read", path, err)
		}
		values = append(values, v)
	}
	return values, nil
}

func readValue(k registry.Key, name string) (v value, err error) {
	_, kind, err := k.GetValue(name, nil)
	if err != nil {
		return v, err
	}
	v.name, v.kind = name, kind
	switch kind {
	case kindText:
		v.text, _, err = k.GetStringValue(name)
	case kindNumber:
		var n uint64
		n, _, err = k.GetIntegerValue(name)
		v.num = uint32(n)
	case kindList:
		v.list, _, err = k.GetStringsValue(name)
	}
	return v, err
}

func (h windowsHive) setValue(path string, v value) error {
	k, _, err := registry.CreateKey(registry.CURRENT_USER, h.full(path), registry.SET_VALUE)
	if err != nil {
		return found("create", path, err)
	}
	defer k.Close()
	switch v.kind {
	case kindNumber:
		err = k.SetDWordValue(v.name, v.num)
	case kindList:
		err = k.SetStringsValue(v.name, v.list)
	default:
		err = k.SetStringValue(v.name, v.text)
	}
	return found("write", path, err)
}

func (h windowsHive) deleteValue(path, name string) error {
	k, err := h.open(path, registry.SET_VALUE)
	if err != nil {
		return err
	}
	defer k.Close()
	return found("delete", name, k.DeleteValue(name))
}

// deleteKey takes the keys below away first, as the registry wants it.
func (h windowsHive) deleteKey(path string) error {
	below, err := h.keys(path)
	if err != nil {
		return err
	}
	for _, name := range below {
		if err := h.deleteKey(strings.Join([]string{path, name}, `\`)); err != nil {
			return err
		}
	}
	return found("delete", path, registry.DeleteKey(registry.CURRENT_USER, h.full(path)))
}
