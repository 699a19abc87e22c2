// Package plain has what was there before SSH: the telnet program, and a session by
// Telnet, rlogin or bare TCP at the local terminal ([Session]), which plink runs, too.
// The protocols are the telnet room's.
package plain
