// Package term is both ends of a terminal: the one the client's user sits at,
// and the pty that the server gives to a shell. Its nouns:
//
//   - [Guard] holds a terminal in raw mode and gives it back on every way out;
//   - [Size] and [WatchSize] are the window;
//   - [Modes] are the terminal modes of RFC 4254, section 8, which travel from
//     one end to the other;
//   - [PTY] is the server's pseudo-terminal;
//   - [ReadPassword], [Ask] and [Confirm] talk to the person, not to standard
//     input.
//
// It knows no protocol but the encoding of modes, starts no process, and
// interprets no escape characters. On the way of a byte it stands at the very
// ends: the client's session reads from a guarded terminal, the server's
// session copies between its channel and a PTY.
package term
