package login

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

const oomFile = "/proc/self/oom_score_adj"

// oomStart is the score that the monitor found, shifted by one bit, with the
// lowest bit set once it is known.
var oomStart atomic.Int64

// PrepareMonitor does for the server's first process what sshd does: it makes it
// the last victim of the out-of-memory killer (its children get the old score
// back) and its files unwritable for others. The limit of open files needs
// nothing: Go raises it to the hard limit at start, and gives every process that
// is started the old one.
func PrepareMonitor() error {
	umask()
	score := originalOOM()
	oomStart.Store(int64(score)<<1 | 1)
	// A container's root may lack the capability: then there is no protection.
	if err := os.WriteFile(oomFile, []byte("-1000\n"), 0); err != nil && !errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("protecting the server from the out-of-memory killer: %w", err)
	}
	return nil
}

func originalOOM() int32 {
	if v := oomStart.Load(); v&1 == 1 {
		return int32(v >> 1)
	}
	b, _ := os.ReadFile(oomFile)
	n, _ := strconv.Atoi(string(bytes.TrimSpace(b)))
	return int32(n)
}

// become turns this process into the user, for ever, and makes it unreadable for
// the user's other processes. "No new privileges" is left off: sudo must work.
func become(u *User, oomScore int32) error {
	// As root still: the files of an undumpable process are root's.
	_ = os.WriteFile(oomFile, strconv.AppendInt(nil, int64(oomScore), 10), 0)
	_ = os.WriteFile("/proc/self/comm", []byte("nacre"), 0)
	if err := forbidCore(); err != nil {
		return fmt.Errorf("forbidding core images: %w", err)
	}
	if os.Geteuid() == 0 {
		if err := setCredentials(u); err != nil {
			return err
		}
		if err := verifyCredentials(u); err != nil {
			return err
		}
	} else if uint32(os.Geteuid()) != u.UID {
		return fmt.Errorf("becoming %s: this process runs as the user %d", u.Name, os.Geteuid())
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("closing the process to others: %w", err)
	}
	if v, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || v != 0 {
		return fmt.Errorf("closing the process to others: it stays dumpable (%d, %v)", v, err)
	}
	return nil
}

// setCredentials sets all ids of all threads.
func setCredentials(u *User) error {
	groups := make([]int, len(u.Groups))
	for i, g := range u.Groups {
		groups[i] = int(g)
	}
	uid, gid := int(u.UID), int(u.GID)
	if err := syscall.Setgroups(groups); err != nil {
		return fmt.Errorf("taking the groups of %s: %w", u.Name, err)
	}
	if err := syscall.Setresgid(gid, gid, gid); err != nil {
		return fmt.Errorf("taking the group %d of %s: %w", gid, u.Name, err)
	}
	if err := syscall.Setresuid(uid, uid, uid); err != nil {
		return fmt.Errorf("becoming %s: %w", u.Name, err)
	}
	return nil
}

// verifyCredentials makes sure that the process is the user and nothing more,
// by asking and by trying.
func verifyCredentials(u *User) error {
	var r, e, s int
	for _, get := range []struct {
		ask  func()
		want uint32
	}{
		{func() { r, e, s = unix.Getresuid() }, u.UID},
		{func() { r, e, s = unix.Getresgid() }, u.GID},
	} {
		if get.ask(); uint32(r) != get.want || uint32(e) != get.want || uint32(s) != get.want {
			return fmt.Errorf("becoming %s: ids are %d %d %d, not %d", u.Name, r, e, s, get.want)
		}
	}
	if u.root() {
		return nil
	}
	if syscall.Setresuid(-1, 0, -1) == nil || syscall.Setresuid(0, 0, 0) == nil || syscall.Setgroups([]int{0}) == nil {
		return fmt.Errorf("becoming %s: root can be taken back", u.Name)
	}
	return noCapabilities(u)
}

func noCapabilities(u *User) error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&head, &data[0]); err != nil {
		return fmt.Errorf("reading capabilities: %w", err)
	}
	if slices.ContainsFunc(data[:], func(d unix.CapUserData) bool { return d.Effective != 0 || d.Permitted != 0 }) {
		return fmt.Errorf("becoming %s: capabilities are left", u.Name)
	}
	return nil
}
