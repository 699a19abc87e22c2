package putty

import (
	"errors"
	"io/fs"
)

// Copy puts all that a store has into another, in the place of what was there
// under the same names, and returns how many records and host keys those were.
func Copy(to, from Store) (records, hostKeys int, err error) {
	for _, s := range [...]Section{Sessions, HostCAs} {
		names, err := from.Names(s)
		if err != nil {
			return records, hostKeys, err
		}
		for _, name := range names {
			r, err := from.Load(s, name)
			if err == nil {
				err = to.Save(s, name, r)
			}
			if err != nil {
				return records, hostKeys, err
			}
			records++
		}
	}
	keys, err := from.HostKeys()
	if err == nil && len(keys) > 0 {
		err = to.PutHostKeys(keys...)
	}
	return records, len(keys), err
}

// Merge does in a store what regedit would do with a .reg file: what the file
// takes away goes, then what it holds comes.
func (r *Reg) Merge(to Store) error {
	for _, d := range r.deletions {
		if err := d.do(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_, _, err := Copy(to, r)
	return err
}

func (d deletion) do(to Store) error {
	if rest, ok := cutFold(d.path, hostKeysKey); ok && rest == "" {
		return d.doHostKeys(to)
	}
	for _, s := range [...]Section{Sessions, HostCAs} {
		name, ok := cutFold(d.path, string(s)+`\`)
		if !ok {
			continue
		}
		name = Unescape(name)
		if d.whole {
			return to.Delete(s, name)
		}
		r, err := to.Load(s, name)
		if err != nil {
			return err
		}
		return to.Save(s, name, r.without(d.name))
	}
	return nil
}

func (d deletion) doHostKeys(to Store) error {
	if !d.whole {
		k, ok := hostKeyOf(d.name)
		if !ok {
			return nil
		}
		return to.DeleteHostKey(k)
	}
	all, err := to.HostKeys()
	for _, k := range all {
		if err := to.DeleteHostKey(k); err != nil {
			return err
		}
	}
	return err
}
