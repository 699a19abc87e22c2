// Package telnet is the client side of what people logged in with before SSH:
// Telnet, rlogin, and a bare TCP connection. Its nouns:
//
//   - [Conn] is a connection that speaks Telnet (RFC 854 and 855): what is read
//     from it and written to it is data; commands and options are dealt with
//     inside;
//   - [Options] say what the other side may learn: terminal, speed, window, and
//     the variables that the user named. The process's own environment is never
//     looked at;
//   - [Rlogin] is a connection that speaks rlogin (RFC 1282);
//   - [Raw] is a connection that speaks nothing, in the same clothes.
//
// Options are negotiated by the Q method of RFC 1143, so that no peer can make a
// loop. Understood are BINARY, ECHO, SUPPRESS-GO-AHEAD, TIMING-MARK, NAWS
// (RFC 1073), TERMINAL-TYPE (RFC 1091), TERMINAL-SPEED (RFC 1079), NEW-ENVIRON
// (RFC 1572) and the older ENVIRON (RFC 1408); everything else is refused,
// LINEMODE and flow control among it.
//
// Nothing here is encrypted, neither are passwords. The package dials nothing,
// touches no terminal and reads no keyboard: it says by [Mode] how the keyboard's
// owner should treat it.
package telnet
