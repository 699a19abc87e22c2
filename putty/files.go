package putty

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/keyfile"
)

// Files is PuTTY's store on Unix. Files are replaced in one step, with mode 0600
// in directories of mode 0700 where they are new.
type Files struct {
	Dir string // see [DefaultDir]
	// Where something is elsewhere than in Dir; "" is where PuTTY has it.
	SessionsDir, HostKeysFile, HostCAsDir string
}

var _ Store = (*Files)(nil)

func (f *Files) dir(s Section) string {
	moved, name := f.SessionsDir, "sessions"
	if s == HostCAs {
		moved, name = f.HostCAsDir, "sshhostcas"
	}
	if moved != "" {
		return moved
	}
	return filepath.Join(f.Dir, name)
}

func (f *Files) path(s Section, name string) string {
	return filepath.Join(f.dir(s), EscapeFile(name))
}

func (f *Files) hostKeys() string {
	if f.HostKeysFile != "" {
		return f.HostKeysFile
	}
	return filepath.Join(f.Dir, "sshhostkeys")
}

// Names implements [Records].
func (f *Files) Names(s Section) ([]string, error) {
	entries, err := os.ReadDir(f.dir(s))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		// A temporary file's name begins with a dot, which may also begin a
		// session's: that one is read when it is asked for.
		if !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, Unescape(e.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Load implements [Records].
func (f *Files) Load(s Section, name string) (Record, error) {
	text, err := readFile(f.path(s, name))
	if err != nil {
		return nil, err
	}
	return parseRecord(text)
}

func parseRecord(text string) (Record, error) {
	var r Record
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), "=")
		if !ok {
			continue
		}
		if len(r) == MaxSettings {
			return nil, fmt.Errorf("there are more than %d settings", MaxSettings)
		}
		s := Setting{Name: name, Text: value}
		s.Number = isNumber(s)
		r = append(r, s)
	}
	return r, nil
}

// Save implements [Records]. A file has no room for a value with a line end.
func (f *Files) Save(s Section, name string, r Record) error {
	var b strings.Builder
	for _, setting := range r {
		if strings.ContainsAny(setting.Name, "=\r\n") || strings.ContainsAny(setting.Text, "\r\n") {
			return fmt.Errorf("setting %q can't be stored on one line", setting.Name)
		}
		b.WriteString(setting.Name + "=" + setting.Text + "\n")
	}
	return replaceFile(f.path(s, name), b.String())
}

// Delete implements [Records].
func (f *Files) Delete(s Section, name string) error { return os.Remove(f.path(s, name)) }

// HostKeys implements [HostKeys]; lines that are none are passed over.
func (f *Files) HostKeys() ([]HostKey, error) {
	text, err := f.readHostKeys()
	if err != nil {
		return nil, err
	}
	var all []HostKey
	for line := range strings.Lines(text) {
		if k, ok := parseHostKey(line); ok {
			all = append(all, k)
		}
	}
	return all, nil
}

func (f *Files) readHostKeys() (string, error) {
	text, err := readFile(f.hostKeys())
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return text, err
}

// parseHostKey reads a line of sshhostkeys: "type@port:host data".
func parseHostKey(line string) (HostKey, bool) {
	if len(line) > MaxLine {
		return HostKey{}, false
	}
	id, data, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
	k, ok := parseID(id)
	k.Data = data
	return k, ok && k.check() == nil
}

// PutHostKeys implements [HostKeys].
func (f *Files) PutHostKeys(keys ...HostKey) error {
	lines := map[string]string{}
	for _, k := range keys {
		if err := k.check(); err != nil {
			return err
		}
		lines[k.id()] = k.id() + " " + k.Data + "\n"
	}
	text, done, err := f.editHostKeys(lines)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if !done[k.id()] {
			done[k.id()] = true
			text += lines[k.id()]
		}
	}
	return replaceFile(f.hostKeys(), text)
}

// DeleteHostKey implements [HostKeys].
func (f *Files) DeleteHostKey(k HostKey) error {
	text, done, err := f.editHostKeys(map[string]string{k.id(): ""})
	if err == nil && !done[k.id()] {
		return notExist("delete", k.id())
	}
	if err != nil {
		return err
	}
	return replaceFile(f.hostKeys(), text)
}

// editHostKeys puts new lines in the place of those with their ids, and says
// which were there. The rest of the text stays as it was.
func (f *Files) editHostKeys(lines map[string]string) (text string, done map[string]bool, err error) {
	old, err := f.readHostKeys()
	if err != nil {
		return "", nil, err
	}
	done = map[string]bool{}
	var b strings.Builder
	for line := range strings.Lines(old) {
		id, _, _ := strings.Cut(line, " ")
		replacement, ok := lines[id]
		switch {
		case ok && done[id]: // PuTTY would have found the first alone
		case ok:
			done[id] = true
			b.WriteString(replacement)
		default:
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
	}
	return b.String(), done, nil
}

func readFile(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err == nil && len(text) > MaxFile {
		err = fmt.Errorf("%s has more than %d bytes", path, MaxFile)
	}
	return string(text), err
}

func replaceFile(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return keyfile.WriteAside(path, 0, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}
