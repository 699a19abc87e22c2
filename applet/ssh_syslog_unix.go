//go:build unix

package applet

import (
	"io"
	"log/syslog"
)

// openMessageLog is where -y sends ssh's messages; nil where there is no syslog.
func openMessageLog(facility string) io.Writer {
	code := syslog.LOG_USER
	for _, f := range facilities {
		if f.name == facility {
			code = f.code
		}
	}
	w, err := syslog.New(code|syslog.LOG_INFO, "ssh")
	if err != nil {
		return nil
	}
	return w
}
