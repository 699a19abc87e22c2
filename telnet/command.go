package telnet

import "strconv"

// A Command is a byte that means something after IAC.
type Command byte

// RFC 854, "TELNET command structure"; EOF, SUSP and ABORT are RFC 1184,
// section 2.1, EOR is RFC 885.
const (
	EOF   Command = 236 // end of file
	SUSP  Command = 237 // suspend the process
	ABORT Command = 238 // abort the process
	EOR   Command = 239 // end of record
	NOP   Command = 241
	DM    Command = 242 // data mark: here a Synch's discarding ends
	BRK   Command = 243 // break
	IP    Command = 244 // interrupt the process
	AO    Command = 245 // abort output
	AYT   Command = 246 // are you there
	EC    Command = 247 // erase a character
	EL    Command = 248 // erase the line
	GA    Command = 249 // go ahead

	se   Command = 240 // ends what sb began
	sb   Command = 250 // begins a sub-negotiation
	will Command = 251
	wont Command = 252
	do   Command = 253
	dont Command = 254
	iac  Command = 255
)

func (c Command) String() string {
	names := [...]string{"EOF", "SUSP", "ABORT", "EOR", "SE", "NOP", "DMARK", "BRK", "IP", "AO",
		"AYT", "EC", "EL", "GA", "SB", "WILL", "WONT", "DO", "DONT", "IAC"}
	if c < EOF {
		return strconv.Itoa(int(c))
	}
	return names[c-EOF]
}

// An Option is the number of something that both sides may agree on.
type Option byte

// The options understood here, by their RFCs.
const (
	Binary          Option = 0  // RFC 856
	Echo            Option = 1  // RFC 857
	SuppressGoAhead Option = 3  // RFC 858
	TimingMark      Option = 6  // RFC 860
	Logout          Option = 18 // RFC 727: asked for, never granted
	TerminalType    Option = 24 // RFC 1091
	WindowSize      Option = 31 // RFC 1073
	TerminalSpeed   Option = 32 // RFC 1079
	OldEnviron      Option = 36 // RFC 1408
	NewEnviron      Option = 39 // RFC 1572
)

// String is the option's name as Telnet programs print it, or its number.
func (o Option) String() string {
	names := [...]string{"BINARY", "ECHO", "RCP", "SUPPRESS GO AHEAD", "NAME", "STATUS", "TIMING MARK", "RCTE",
		"NAOL", "NAOP", "NAOCRD", "NAOHTS", "NAOHTD", "NAOFFD", "NAOVTS", "NAOVTD", "NAOLFD", "EXTEND ASCII",
		"LOGOUT", "BYTE MACRO", "DATA ENTRY TERMINAL", "SUPDUP", "SUPDUP OUTPUT", "SEND LOCATION",
		"TERMINAL TYPE", "END OF RECORD", "TACACS UID", "OUTPUT MARKING", "TTYLOC", "3270 REGIME", "X.3 PAD",
		"NAWS", "TSPEED", "LFLOW", "LINEMODE", "XDISPLOC", "OLD-ENVIRON", "AUTHENTICATION", "ENCRYPT",
		"NEW-ENVIRON"}
	if int(o) < len(names) {
		return names[o]
	}
	return strconv.Itoa(int(o))
}
