package login

import (
	"errors"
	"strconv"
	"strings"
)

// errLine marks a line that is not of its file's format. Such lines are passed
// over, as the C library does.
var errLine = errors.New("line is malformed")

// parsePasswd reads one line of passwd(5): name:password:uid:gid:gecos:home:shell.
func parsePasswd(line string) (User, error) {
	var f [7]string
	if !fields(line, f[:]) {
		return User{}, errLine
	}
	uid, err1 := strconv.ParseUint(f[2], 10, 32)
	gid, err2 := strconv.ParseUint(f[3], 10, 32)
	// 2^32-1 means "no change" to setuid and its kin.
	if err1 != nil || err2 != nil || uid == 1<<32-1 || gid == 1<<32-1 {
		return User{}, errLine
	}
	u := User{Name: f[0], UID: uint32(uid), GID: uint32(gid), Home: home(f[5]), Shell: f[6]}
	if u.Shell == "" {
		u.Shell = "/bin/sh"
	}
	return u, nil
}

// parseGroup reads one line of group(5), name:password:gid:members, and says
// whether name is among the members.
func parseGroup(line, name string) (gid uint32, member bool, err error) {
	var f [4]string
	if !fields(line, f[:]) {
		return 0, false, errLine
	}
	n, err := strconv.ParseUint(f[2], 10, 32)
	if err != nil || n == 1<<32-1 {
		return 0, false, errLine
	}
	for m := range strings.SplitSeq(f[3], ",") {
		if m == name {
			return uint32(n), true, nil
		}
	}
	return uint32(n), false, nil
}

// fields cuts line at its colons; the number of fields must be exactly
// len(into), the first not empty and the line no NIS directive or comment.
func fields(line string, into []string) bool {
	if line == "" || strings.IndexByte("+-#:", line[0]) >= 0 || strings.IndexByte(line, 0) >= 0 {
		return false
	}
	for i := range into {
		part, rest, more := strings.Cut(line, ":")
		if last := i == len(into)-1; more == last {
			return false
		}
		into[i], line = part, rest
	}
	return true
}
