package telnet

// A Mode says what is this side's to do for the person at the keyboard.
type Mode struct {
	Echo bool // show what is typed: the other side does not
	Edit bool // send whole lines, and let them be corrected first
}
