package applet

import "io"

// openMessageLog: Windows has no syslog.
func openMessageLog(string) io.Writer { return nil }
