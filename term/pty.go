package term

import "os"

// A PTY is a pseudo-terminal: the server keeps Master, the shell gets Slave as
// its controlling terminal. Made by OpenPTY; both files are closed by Close.
type PTY struct {
	Master *os.File
	Slave  *os.File
	Name   string // of the slave, such as /dev/pts/3: for SSH_TTY and utmp
}

// PTYOptions say how a PTY shall be. The zero value leaves the system's.
type PTYOptions struct {
	Size  Size
	Modes Modes
	// Own makes the slave belong to UID, and to the group tty with write
	// permission where there is one (to GID without where there is none).
	Own      bool
	UID, GID int
}

// CloseSlave closes the server's copy of the slave, once the shell has it: the
// master then reads the end when the shell's last process is gone.
func (p *PTY) CloseSlave() error {
	if p.Slave == nil {
		return nil
	}
	err := p.Slave.Close()
	p.Slave = nil
	return err
}

// Close closes both ends; processes that have the slave get SIGHUP.
func (p *PTY) Close() error {
	err := p.CloseSlave()
	if e := p.Master.Close(); err == nil {
		err = e
	}
	return err
}
