//go:build linux || darwin || freebsd

package term

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"github.com/creack/pty"
)

// OpenPTY opens a pseudo-terminal with a size, modes and an owner.
func OpenPTY(o PTYOptions) (*PTY, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("opening a pseudo-terminal: %w", err)
	}
	p := &PTY{Master: master, Slave: slave, Name: slave.Name()}
	if err := p.prepare(o); err != nil {
		_ = p.Close() // the first error is the one to tell
		return nil, err
	}
	return p, nil
}

func (p *PTY) prepare(o PTYOptions) error {
	if o.Own {
		if err := p.own(o.UID, o.GID); err != nil {
			return err
		}
	}
	if o.Size != (Size{}) {
		if err := p.Resize(o.Size); err != nil {
			return err
		}
	}
	return o.Modes.Apply(p.Slave)
}

// own gives the slave to a user. Group tty may write, for write(1) and wall(1),
// which are set-group-ID to it.
func (p *PTY) own(uid, gid int) error {
	mode := os.FileMode(0o600)
	if group, err := user.LookupGroup("tty"); err == nil {
		if n, err := strconv.Atoi(group.Gid); err == nil {
			gid, mode = n, 0o620
		}
	}
	if err := p.Slave.Chown(uid, gid); err != nil {
		return fmt.Errorf("giving %s to user %d: %w", p.Name, uid, err)
	}
	if err := p.Slave.Chmod(mode); err != nil {
		return fmt.Errorf("protecting %s: %w", p.Name, err)
	}
	return nil
}

// Resize tells the size to the programs on the slave, which get SIGWINCH.
func (p *PTY) Resize(s Size) error {
	err := pty.Setsize(p.Master, &pty.Winsize{Cols: short(s.Columns), Rows: short(s.Rows), X: short(s.Width), Y: short(s.Height)})
	if err != nil {
		return fmt.Errorf("resizing %s: %w", p.Name, err)
	}
	return nil
}

// short keeps a peer's number within what the system can hold.
func short(n uint32) uint16 { return uint16(min(n, 0xffff)) }
