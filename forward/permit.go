package forward

import (
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// Permits says whether one of the entries lets connections to host and port
// through. An entry is host:port, either part "*", an IPv6 address in brackets;
// a host is compared as it is written. "any" lets all through, "none" nothing
// (sshd_config(5), PermitOpen). An entry that is malformed lets nothing through.
func Permits(entries []string, host string, port int) bool {
	return permitted(entries, port, func(allowed string) bool { return allowed == "*" || allowed == host }, false)
}

// PermitsListen is [Permits] for listening: hosts are patterns, without regard to
// case, and a port may stand alone (PermitListen).
func PermitsListen(entries []string, host string, port int) bool {
	host = strings.ToLower(host)
	return permitted(entries, port, func(allowed string) bool { return pattern.MatchFold(host, allowed) }, true)
}

func permitted(entries []string, port int, matches func(host string) bool, bare bool) bool {
	for _, entry := range entries {
		if entry == "any" {
			return true
		}
		if bare && entry != "none" && !strings.Contains(entry, ":") {
			entry = "*:" + entry
		}
		allowed, number, ok := cutPermit(entry)
		if ok && matches(allowed) && (number == "*" || number == strconv.Itoa(port)) {
			return true
		}
	}
	return false
}

// cutPermit cuts an entry at its last colon; brackets around a host go.
func cutPermit(entry string) (host, port string, ok bool) {
	colon := strings.LastIndexByte(entry, ':')
	if colon < 0 {
		return "", "", false
	}
	host, port = entry[:colon], entry[colon+1:]
	if inner, found := strings.CutPrefix(host, "["); found {
		host, found = strings.CutSuffix(inner, "]")
		if !found {
			return "", "", false
		}
	}
	return host, port, host != "" && port != ""
}
