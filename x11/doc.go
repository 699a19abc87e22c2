// Package x11 lets programs on the other machine draw on this one's display
// (RFC 4254, section 6.3).
//
// A [Display] is what $DISPLAY names. A [Forward] is one display lent to one
// connection: the other side gets a cookie that is made up, [Forward.Connect]
// checks it at the head of each connection, and puts the display's own in its
// place. That one is read from the Xauthority file; for a program that isn't
// trusted the display itself is asked for one with fewer rights and an end
// (X11's SECURITY extension), so that the program xauth isn't needed.
//
//	remote program ──setup, made-up cookie──► Connect ──setup, real cookie──► X server
//
// It knows nothing of SSH channels: client gives it streams.
package x11
