//go:build unix

package applet

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
