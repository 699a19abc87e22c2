//go:build unix

package applet

import (
	"io"
	"log/syslog"

	"github.com/nacre-ssh/nacre/applet/door"
)

// openMessageLog is where -y sends ssh's messages; nil where there is no syslog.
func openMessageLog(name string) io.Writer {
	w, err := syslog.New(door.Facility(name, syslog.LOG_USER)|syslog.LOG_INFO, "ssh")
	if err != nil {
		return nil
	}
	return w
}
