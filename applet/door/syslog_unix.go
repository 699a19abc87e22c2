//go:build unix

package door

import "log/syslog"

// facilities are syslog's by their name in sshd_config.
var facilities = [...]struct {
	name string
	code syslog.Priority
}{
	{"DAEMON", syslog.LOG_DAEMON}, {"USER", syslog.LOG_USER}, {"AUTH", syslog.LOG_AUTH}, {"AUTHPRIV", syslog.LOG_AUTHPRIV},
	{"LOCAL0", syslog.LOG_LOCAL0}, {"LOCAL1", syslog.LOG_LOCAL1}, {"LOCAL2", syslog.LOG_LOCAL2}, {"LOCAL3", syslog.LOG_LOCAL3},
	{"LOCAL4", syslog.LOG_LOCAL4}, {"LOCAL5", syslog.LOG_LOCAL5}, {"LOCAL6", syslog.LOG_LOCAL6}, {"LOCAL7", syslog.LOG_LOCAL7},
}

// Facility is syslog's by its name in sshd_config, or the usual one where there is
// none of that name.
func Facility(name string, usual syslog.Priority) syslog.Priority {
	for _, f := range facilities {
		if f.name == name {
			return f.code
		}
	}
	return usual
}
