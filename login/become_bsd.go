//go:build unix && !linux

package login

import (
	"fmt"
	"os"
	"syscall"
)

// PrepareMonitor makes the files of the server's first process unwritable for
// others.
func PrepareMonitor() error {
	umask()
	return nil
}

func originalOOM() int32 { return 0 }

// become turns this process into the user, for ever. A process that changed its
// user is closed to debuggers by the kernel.
func become(u *User, _ int32) error {
	if err := forbidCore(); err != nil {
		return fmt.Errorf("forbidding core images: %w", err)
	}
	if os.Geteuid() == 0 {
		if err := setCredentials(u); err != nil {
			return err
		}
	}
	if uint32(os.Getuid()) != u.UID || uint32(os.Geteuid()) != u.UID {
		return fmt.Errorf("becoming %s: the user id is %d", u.Name, os.Geteuid())
	}
	if !u.root() && syscall.Setuid(0) == nil {
		return fmt.Errorf("becoming %s: root can be taken back", u.Name)
	}
	return nil
}

func setCredentials(u *User) error {
	groups := make([]int, len(u.Groups))
	for i, g := range u.Groups {
		groups[i] = int(g)
	}
	if err := syscall.Setgroups(groups); err != nil {
		return fmt.Errorf("taking the groups of %s: %w", u.Name, err)
	}
	if err := syscall.Setgid(int(u.GID)); err != nil {
		return fmt.Errorf("taking the group %d of %s: %w", u.GID, u.Name, err)
	}
	if err := syscall.Setuid(int(u.UID)); err != nil {
		return fmt.Errorf("becoming %s: %w", u.Name, err)
	}
	return nil
}
