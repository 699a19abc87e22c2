package sshd

// openSystemLog has no log of the system to write to; use -E.
func openSystemLog(string) logSink { return nil }
