package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// checkFiles looks at the files that the configuration names, as far as
// somebody named them: the usual ones may be missing.
func (r *Report) checkFiles(c *Client, lines []lineSeen) {
	for _, of := range []struct {
		keyword string
		list    func() ([]string, error)
		private bool
	}{
		{"IdentityFile", c.IdentityFiles, true},
		{"CertificateFile", c.CertificateFiles, false},
	} {
		at, said := c.Origin(of.keyword)
		if !said {
			continue
		}
		names, err := of.list()
		if err != nil {
			r.add(Finding{Origin: at, Text: err.Error()})
		}
		for _, name := range names {
			r.checkFile(c, of.keyword, name, of.private, lineOf(c, lines, of.keyword, name, at))
		}
	}
	r.checkDirectory(c)
	r.checkControlPath(c)
}

// lineOf is the line that named a file.
func lineOf(c *Client, lines []lineSeen, keyword, name string, otherwise Origin) Origin {
	for _, line := range lines {
		if path, err := c.tokens.path(line.value); line.won && line.row.name == keyword && err == nil && path == name {
			return line.at
		}
	}
	return otherwise
}

func (r *Report) checkFile(c *Client, keyword, name string, private bool, at Origin) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.publicOf(name):
		return // the agent has the private half
	case errors.Is(err, fs.ErrNotExist):
		r.add(Finding{Origin: at, Text: fmt.Sprintf("%s %s does not exist", keyword, inHome(name, c.tokens.home))})
	case err != nil:
		r.add(Finding{Origin: at, Text: fmt.Sprintf("%s %s: %v", keyword, inHome(name, c.tokens.home), cause(err))})
	case private && tooOpen(name, info) && !strings.HasSuffix(name, ".pub"):
		r.add(Finding{Origin: Origin{File: name}, Text: "others may read this private key, so ssh doesn't use it; run: " + makePrivate(name)})
	}
}

// publicOf says whether a key's public half is there: it is enough where an
// agent has the key.
func (c *Client) publicOf(name string) bool {
	_, err := os.Stat(name + ".pub")
	return err == nil
}

// checkDirectory looks at ~/.ssh: who may write it can replace every file in it.
func (r *Report) checkDirectory(c *Client) {
	name := filepath.Join(c.tokens.home, ".ssh")
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	if checkOwner(f) != nil {
		r.add(Finding{Origin: Origin{File: name}, Text: "others may write this directory, or it is somebody else's; run: " + makeOwn(name)})
	}
}

// maxControlPath is what a socket's name may have, less the random letters that
// the socket has while it is made.
const maxControlPath = maxSocketPath - 17

func (r *Report) checkControlPath(c *Client) {
	at, said := c.Origin("ControlPath")
	if !said || c.ControlPath == "" {
		return
	}
	if len(c.ControlPath) > maxControlPath {
		r.add(Finding{Origin: at, Text: fmt.Sprintf("ControlPath has %d bytes here, and a socket's name may have %d: use %%C instead of names", len(c.ControlPath), maxControlPath)})
	}
	if dir := filepath.Dir(c.ControlPath); dir != "" {
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			r.add(Finding{Origin: at, Text: "the directory of ControlPath, " + inHome(dir, c.tokens.home) + ", does not exist"})
		}
	}
}
