package server

import (
	"context"
	"io"
	"log/slog"

	"github.com/nacre-ssh/nacre/term"
)

// Session is what a client asked for on one channel. A Handler may keep it and
// must not change it.
type Session struct {
	Login *Login
	// PTY is the terminal that was asked for, or nil.
	PTY *PTY
	// Env holds NAME=VALUE, in the order the client sent them; only names that
	// Config.AcceptEnv lets pass.
	Env []string
	// Shell asks for a login shell; Command is empty then.
	Shell bool
	// Command is the command line to run: the client's, the forced one of the
	// permit, or that of Subsystem in Config.Subsystems.
	Command string
	// Subsystem is the name of the subsystem, if it is one.
	Subsystem string
	// Original is what the client asked for where Command is forced.
	Original string
	Log      *slog.Logger // the connection's; never nil

	forced bool
}

// PTY is a terminal that a client asked for.
type PTY struct {
	Term  string // its type, such as "xterm"; the peer's bytes
	Size  term.Size
	Modes term.Modes
}

// Handler starts what sessions ask for. It is called from one goroutine for each
// session, and its panic ends the connection alone.
type Handler interface {
	// Start starts a session's process. An error refuses the request; the peer
	// doesn't learn its text. ctx ends with the connection.
	Start(ctx context.Context, s *Session) (Process, error)
}

// Process is what runs in a session. Its methods are called from several
// goroutines.
type Process interface {
	// Streams are asked for once.
	Streams() Streams
	// Signal sends a signal named as in RFC 4254, section 6.10, without "SIG".
	Signal(name string) error
	// Resize tells the size of the terminal.
	Resize(term.Size) error
	// Wait waits for the end of the process; output may still be to come.
	Wait() Exit
	// Close lets go of the process, whether it has ended or not: it closes the
	// streams. It is called once.
	Close()
}

// Streams are the server's ends of a process's input and output. Where they are
// files that can be read and written without blocking, data passes between them
// and the packets without a copy.
type Streams struct {
	// Stdin is closed at the client's EOF, except with a terminal.
	Stdin io.WriteCloser
	// Stdout is read to its end, or closed when the client reads no more.
	Stdout io.ReadCloser
	// Stderr may be nil, as with a terminal.
	Stderr io.ReadCloser
	// Greeting is written before the output, Notice before the error output.
	Greeting, Notice []byte
}

// Exit is how a process ended.
type Exit struct {
	// Code is the exit status; it counts when Signal is empty.
	Code int
	// Signal is the name of the signal that ended the process, without "SIG".
	Signal string
	Core   bool // a core image was written
}
