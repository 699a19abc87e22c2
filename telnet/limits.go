package telnet

// Limits of ours; the protocols know none.
const (
	maxSubnegotiation = 4096 // bytes received between SB and SE
	maxVariables      = 256  // variables to tell
	maxVariable       = 4096 // bytes of a variable's name and value
	maxName           = 255  // bytes of a user's name, a terminal's type, a speed
)
