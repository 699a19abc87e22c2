package login

import (
	"os/user"
	"strconv"
)

// systemUser asks Open Directory: macOS keeps no people in /etc/passwd. The
// shell is not told that way; zsh is what the system gives.
func systemUser(name string) *User {
	var found *user.User
	var err error
	if len(name) > 0 && name[0] == '#' {
		found, err = user.LookupId(name[1:])
	} else {
		found, err = user.Lookup(name)
	}
	if err != nil {
		return nil
	}
	uid, err1 := strconv.ParseUint(found.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(found.Gid, 10, 32)
	if err1 != nil || err2 != nil {
		return nil
	}
	u := &User{Name: found.Username, UID: uint32(uid), GID: uint32(gid), Home: home(found.HomeDir), Shell: "/bin/zsh"}
	ids, _ := found.GroupIds()
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 32); err == nil {
			u.Groups = append(u.Groups, uint32(n))
		}
	}
	return u
}
