package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// StrictHostKeyChecking says what happens to a host key that isn't known.
type StrictHostKeyChecking string

// The values of StrictHostKeyChecking. "off" is another word for "no".
const (
	StrictAsk       StrictHostKeyChecking = "ask"
	StrictYes       StrictHostKeyChecking = "yes"
	StrictNo        StrictHostKeyChecking = "no"
	StrictAcceptNew StrictHostKeyChecking = "accept-new"
)

// RequestTTY says whether the client asks for a terminal.
type RequestTTY string

// The values of RequestTTY.
const (
	TTYAuto  RequestTTY = "auto"
	TTYNo    RequestTTY = "no"
	TTYYes   RequestTTY = "yes"
	TTYForce RequestTTY = "force"
)

// PermitRootLogin says how root may log in.
type PermitRootLogin string

// The values of PermitRootLogin. "without-password" is the old name of
// "prohibit-password".
const (
	RootYes              PermitRootLogin = "yes"
	RootNo               PermitRootLogin = "no"
	RootProhibitPassword PermitRootLogin = "prohibit-password"
	RootForcedCommands   PermitRootLogin = "forced-commands-only"
)

// A LogLevel says how much is logged, from quiet to the protocol's details.
type LogLevel int

// The levels of LogLevel. DEBUG is another word for DEBUG1.
const (
	LogQuiet LogLevel = iota
	LogFatal
	LogError
	LogInfo
	LogVerbose
	LogDebug1
	LogDebug2
	LogDebug3
)

func logLevelNames() []string {
	return []string{"QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG2", "DEBUG3"}
}

// String returns the level's name as the dump prints it.
func (l LogLevel) String() string {
	names := logLevelNames()
	if l < 0 || int(l) >= len(names) {
		return strconv.Itoa(int(l))
	}
	return names[l]
}

func parseLogLevel(s string) (LogLevel, error) {
	switch strings.ToUpper(s) {
	case "DEBUG1":
		return LogDebug1, nil
	case "SILENT": // Debian's word
		return LogQuiet, nil
	}
	for i, name := range logLevelNames() {
		if strings.EqualFold(s, name) {
			return LogLevel(i), nil
		}
	}
	return 0, complain("unsupported log level '%s'", s)
}

// RekeyLimit says when keys are exchanged again. Zero leaves it to the cipher
// (bytes) and to no clock (interval).
type RekeyLimit struct {
	Bytes    uint64
	Interval time.Duration
}

// EscapeNone is EscapeChar's value when escapes are off.
const EscapeNone = -1

// MaxStartups limits connections that have not authenticated: from Start on
// each new one is dropped with a chance of Rate percent, which rises to
// certainty at Full.
type MaxStartups struct{ Start, Rate, Full int }

// A ListenAddress is one address of the server. Port 0 stands for each of the
// Port keyword's; Host "" for every address of the machine.
type ListenAddress struct {
	Host string
	Port int
}

// A Subsystem is a name that clients may ask for and the command line that
// serves it; "internal-sftp" is served in the process.
type Subsystem struct{ Name, Command string }

// An Origin says where a value came from.
type Origin struct {
	File string // a path, "command-line", or "" for the default
	Line int    // from 1; 0 on the command line
}

// A Note is something that was accepted without effect.
type Note struct {
	Origin
	Keyword string
	Text    string
	// Warn asks for the note to be printed always: a person would otherwise
	// wait for something that doesn't happen, such as a forwarded port. Other
	// notes belong to -v.
	Warn bool
}

// String is the note as a program prints it.
func (n Note) String() string {
	return fmt.Sprintf("%s line %d: %s: %s", n.File, n.Line, n.Keyword, n.Text)
}

// A Problem is one line that can't be used.
type Problem struct {
	Origin
	Text string
	// unknown keywords have a colon more in OpenSSH's text
	unknown bool
}

func (p Problem) String() string {
	if p.unknown {
		return fmt.Sprintf("%s: line %d: %s", p.File, p.Line, p.Text)
	}
	return fmt.Sprintf("%s line %d: %s", p.File, p.Line, p.Text)
}

// An Error holds every problem of the files that were read, in order.
type Error struct {
	File     string // the file that was read when reading ended; "" for command-line options
	Problems []Problem
}

// Error has a line for each problem and, for a file, OpenSSH's last line.
func (e *Error) Error() string {
	var b strings.Builder
	for i, p := range e.Problems {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.String())
	}
	if e.File != "" {
		fmt.Fprintf(&b, "\n%s: terminating, %d bad configuration options", e.File, len(e.Problems))
	}
	return b.String()
}

// A RefusedError is a keyword that applies, that nacre doesn't support yet and
// that can't be ignored safely.
type RefusedError struct {
	Origin
	Keyword string
	Reason  string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s line %d: %s is not supported yet: %s", e.File, e.Line, e.Keyword, e.Reason)
}
