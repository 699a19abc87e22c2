package keys

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/knownhosts"
	"github.com/nacre-ssh/nacre/term"
)

// hostsFile is one run of -F, -R or -H. As in OpenSSH several may be asked for:
// -F only shows, what the others would do included; without it -H goes before
// -R.
type hostsFile struct {
	*keygen
	path               string
	finder             *knownhosts.Finder // nil: no name was given
	find, remove, hide bool
	found              bool // a line names the host
	hidden             bool // a name was hashed
	invalid            bool // a line is none
}

var errHostsInvalid = errors.New("not a known_hosts file")

// knownHosts finds, removes and hashes hosts in a known_hosts file (-F, -R, -H).
func (k *keygen) knownHosts(context.Context) int {
	h := &hostsFile{keygen: k, path: k.file, find: k.asked('F'), remove: k.asked('R'), hide: k.asked('H')}
	if !k.hasFile {
		home, err := os.UserHomeDir()
		if err != nil {
			return k.fatal(err)
		}
		h.path = filepath.Join(home, ".ssh", "known_hosts")
	}
	if h.find || h.remove {
		h.finder = knownhosts.NewFinder(k.name)
	}
	if _, err := os.Stat(h.path); err != nil {
		return k.fatal(fatalf("Cannot stat %s: %s", h.path, systemText(err)))
	}
	if h.find {
		return h.show()
	}
	return h.rewrite()
}

// systemText is the operating system's part of an error, as strerror words it.
func systemText(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "No such file or directory"
	}
	if errors.Is(err, fs.ErrPermission) {
		return "Permission denied"
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err.Error()
	}
	return err.Error()
}

// show is -F.
func (h *hostsFile) show() int {
	f, err := os.Open(h.path)
	if err != nil {
		return h.fatal(fatalf("hostkeys_foreach: %s", systemText(err)))
	}
	defer f.Close()
	if err := knownhosts.Find(f, h.name, h.showLine); err != nil {
		return h.fatal(err)
	}
	if !h.found && h.remove {
		h.Errorf("Host %s not found in %s", h.name, h.path)
	}
	if !h.found {
		return codeFailed
	}
	return 0
}

func (h *hostsFile) showLine(l *knownhosts.Line) error {
	if h.remove && l.Marker != knownhosts.Plain {
		return l.Keep(h.Stdout)
	}
	e := knownhosts.Entry{}
	if h.list {
		if e = l.Entry(h.path); e.Key == nil {
			return nil
		}
	}
	h.found = true
	h.announce(l)
	switch {
	case h.remove:
		return nil
	case h.hide:
		_, err := knownhosts.Hide(h.Stdout, l)
		return err
	case h.list:
		h.showFingerprint(e)
		return nil
	}
	return l.Keep(h.Stdout)
}

// markerWord follows a line's number.
func markerWord(m knownhosts.Marker) string {
	switch m {
	case knownhosts.Authority:
		return "CA"
	case knownhosts.Revoked:
		return "REVOKED"
	}
	return ""
}

func (h *hostsFile) announce(l *knownhosts.Line) {
	switch {
	case h.quiet:
	case h.remove:
		fmt.Fprintf(h.Stdout, "# Host %s found: line %d\n", h.name, l.Number)
	default:
		fmt.Fprintf(h.Stdout, "# Host %s found: line %d %s\n", h.name, l.Number, markerWord(l.Marker))
	}
}

func (h *hostsFile) showFingerprint(e knownhosts.Entry) {
	fingerprint := keyfile.Fingerprint(e.Key, keyfile.Hash(h.hash))
	if h.asked('B') {
		fingerprint = keyfile.Bubblebabble(e.Key)
	}
	comment := term.Printable(e.Comment)
	if comment != "" {
		comment = " " + comment
	}
	fmt.Fprintf(h.Stdout, "%s %s %s%s\n", h.name, key.ShortName(e.Key.Type()), fingerprint, comment)
	if h.verbose > 0 {
		fmt.Fprintln(h.Stdout, keyfile.Randomart(e.Key, keyfile.Hash(h.hash)))
	}
}

// rewrite is -R and -H.
func (h *hostsFile) rewrite() int {
	edit := h.removeLine
	if h.hide {
		edit = h.hashLine
	}
	err := knownhosts.Rewrite(h.path, edit, h.finish)
	switch {
	case errors.Is(err, errHostsInvalid):
		h.Errorf("%s is not a valid known_hosts file.", h.path)
		return h.fail("Not replacing existing known_hosts file because of errors")
	case err != nil:
		return h.fatal(err)
	case h.remove && !h.found:
		h.Errorf("Host %s not found in %s", h.name, h.path)
		return 0
	}
	fmt.Fprintf(h.Stdout, "%s updated.\nOriginal contents retained as %s.old\n", h.path, h.path)
	if h.hidden {
		h.Errorf("WARNING: %s.old contains unhashed entries\nDelete this file to ensure privacy of hostnames", h.path)
	}
	return 0
}

// finish keeps the old file when there was nothing to remove, or a line that
// nobody can be sure of.
func (h *hostsFile) finish(io.Writer) error {
	if h.invalid {
		return errHostsInvalid
	}
	if h.remove && !h.found {
		return knownhosts.ErrKeep
	}
	return nil
}

func (h *hostsFile) removeLine(w io.Writer, l *knownhosts.Line) error {
	if l.Status == knownhosts.Comment {
		return l.Keep(w)
	}
	found, err := false, error(nil)
	if len(l.Names) > 0 {
		found, err = h.finder.Find(l)
	}
	if l.Status == knownhosts.Invalid || err != nil {
		h.spoiled(l)
		return l.Keep(w)
	}
	if !found || l.Marker != knownhosts.Plain {
		return l.Keep(w)
	}
	h.found = true
	h.announce(l)
	return nil
}

func (h *hostsFile) hashLine(w io.Writer, l *knownhosts.Line) error {
	switch l.Status {
	case knownhosts.Comment:
		return l.Keep(w)
	case knownhosts.Invalid:
		h.spoiled(l)
		return l.Keep(w)
	}
	if h.remove {
		if _, err := h.finder.Find(l); err != nil {
			h.spoiled(l)
			return l.Keep(w)
		}
	}
	if knownhosts.HasWildcard(l) {
		h.Errorf("%s:%d: ignoring host name with wildcard: %.64s", h.path, l.Number, term.Printable(string(l.Names)))
	}
	hidden, err := knownhosts.Hide(w, l)
	h.hidden = h.hidden || hidden
	return err
}

func (h *hostsFile) spoiled(l *knownhosts.Line) {
	h.invalid = true
	h.Errorf("%s:%d: invalid line", h.path, l.Number)
}
