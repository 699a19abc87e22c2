package applet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/sftp"
	"github.com/nacre-ssh/nacre/term"
)

// maxAuthorizedKeys is the largest authorized_keys that is read, and maxComplaint
// how much is kept of what a command says of its failure, in bytes.
const (
	maxAuthorizedKeys = 16 << 20
	maxComplaint      = 4 << 10
)

// keyPlace is the file of authorized keys on the other machine.
type keyPlace interface {
	path() string
	// read returns the file's text; an error is fs.ErrNotExist for no file.
	read(context.Context) ([]byte, error)
	// add appends whole lines, makes what is missing and sets the permissions
	// that a server with StrictModes wants.
	add(ctx context.Context, lines []byte) error
}

// place decides where the keys go, and how.
func (c *copyID) place(ctx context.Context, conn *client.Client) (keyPlace, error) {
	file := c.target
	if file == "" {
		file = ".ssh/authorized_keys"
	}
	if c.sftp {
		return sftpPlace(ctx, conn, file)
	}
	p := &shellPlace{conn, file}
	if c.target == "" && strings.HasPrefix(conn.Software(), "dropbear") {
		return p, p.findOpenWrt(ctx)
	}
	return p, nil
}

// shellPlace works through commands of the user's shell.
type shellPlace struct {
	conn *client.Client
	file string
}

func (p *shellPlace) path() string { return p.file }

// A server that is an OpenWrt keeps root's keys with Dropbear's own files.
const openWrtFile = "/etc/dropbear/authorized_keys"

func (p *shellPlace) findOpenWrt(ctx context.Context) error {
	out, err := p.run(ctx, `[ -e /etc/openwrt_release ] && [ -d /etc/dropbear ] && [ -w /etc/dropbear ] && echo yes; exit 0`, nil)
	if err == nil && strings.TrimSpace(string(out)) == "yes" {
		p.file = openWrtFile
	}
	return err
}

// noSuchFile is how the script below tells that there is no file.
const noSuchFile = 44

func (p *shellPlace) read(ctx context.Context) ([]byte, error) {
	out, err := p.run(ctx, fmt.Sprintf(`cd; [ -e "$0" ] || exit %d; exec cat -- "$0"`, noSuchFile), nil)
	var status *remoteStatus
	if errors.As(err, &status) && status.code == noSuchFile {
		return nil, fs.ErrNotExist
	}
	return out, err
}

// addScript appends its input to the file that is its name. The home directory
// and the file's own lose what StrictModes refuses.
const addScript = `cd || exit 1; umask 077; d=$(dirname -- "$0"); mkdir -p -- "$d" || exit 1; ` +
	`if [ -s "$0" ] && [ -n "$(tail -c 1 -- "$0")" ]; then echo >>"$0" || exit 1; fi; ` +
	`cat >>"$0" || exit 1; chmod go-rwx -- "$0" || exit 1; ` +
	`case $d in .ssh) chmod go-w . && chmod 700 .ssh || exit 1;; esac; ` +
	`if type restorecon >/dev/null 2>&1; then restorecon -F "$d" "$0"; fi; exit 0`

func (p *shellPlace) add(ctx context.Context, lines []byte) error {
	_, err := p.run(ctx, addScript, lines)
	return err
}

// run runs a script of the POSIX shell, whichever shell the user has there. The
// file is its $0.
func (p *shellPlace) run(ctx context.Context, script string, stdin []byte) ([]byte, error) {
	s, err := p.conn.OpenSession(ctx, client.SessionOptions{})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Exec("exec sh -c " + shellQuote(script) + " " + shellQuote(p.file)); err != nil {
		return nil, err
	}
	var said bytes.Buffer
	var wg sync.WaitGroup
	wg.Go(func() {
		s.Write(stdin)
		s.CloseWrite()
	})
	wg.Go(func() {
		io.Copy(&said, io.LimitReader(s.Stderr(), maxComplaint))
		io.Copy(io.Discard, s.Stderr()) // unread, it would stop the command
	})
	out, err := io.ReadAll(io.LimitReader(s, maxAuthorizedKeys+1))
	if err == nil && len(out) > maxAuthorizedKeys {
		return nil, fmt.Errorf("%s there is larger than %d bytes", p.file, maxAuthorizedKeys)
	}
	wg.Wait()
	if err != nil {
		return nil, err
	}
	exit, err := s.Wait(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w; if only sftp is allowed there, -s uses it", err)
	case exit.Status != 0 || exit.Signal != "":
		return nil, &remoteStatus{exit.Status, strings.TrimSpace(said.String())}
	}
	return out, nil
}

// remoteStatus is a script that failed on the other machine.
type remoteStatus struct {
	code int
	said string
}

func (e *remoteStatus) Error() string {
	if e.said == "" {
		return fmt.Sprintf("the command there failed with status %d; if only sftp is allowed there, -s uses it", e.code)
	}
	return "the other machine says: " + term.Printable(e.said)
}

// shellQuote makes one word of text for any shell.
func shellQuote(text string) string { return getopt.Quoted(text) }

// filePlace works through sftp.
type filePlace struct {
	c    *sftp.Client
	file string
}

func sftpPlace(ctx context.Context, conn *client.Client, file string) (keyPlace, error) {
	s, err := conn.OpenSession(ctx, client.SessionOptions{})
	if err != nil {
		return nil, err
	}
	if err := s.Subsystem("sftp"); err != nil {
		return nil, err
	}
	c, err := sftp.NewClient(s)
	if err != nil {
		return nil, err
	}
	return &filePlace{c, file}, nil
}

func (p *filePlace) path() string { return p.file }

func (p *filePlace) read(context.Context) ([]byte, error) {
	return p.c.ReadFile(p.file, maxAuthorizedKeys)
}

func (p *filePlace) add(ctx context.Context, lines []byte) error {
	text, err := p.read(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		p.c.Mkdir(path.Dir(p.file), 0o700) // it may be there: what follows tells
	case err != nil:
		return err
	}
	if n := len(text); n > 0 && text[n-1] != '\n' {
		text = append(text, '\n')
	}
	if err := p.c.ReplaceFile(p.file, append(text, lines...), 0o600); err != nil {
		return err
	}
	if path.Dir(p.file) == ".ssh" {
		if err := p.c.Chmod(".ssh", 0o700); err != nil {
			return err
		}
	}
	return p.c.Chmod(p.file, 0o600)
}
