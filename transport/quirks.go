package transport

import "strings"

// Quirks are what is special about a peer, by its identification. Everything
// peer-specific in the engine is a field here.
type Quirks struct {
	Name string // the family: "nacre", "OpenSSH", …; "" unknown

	// MaxWindow is the largest receive window to open towards it, in bytes.
	MaxWindow uint32
	// NearFlight is how much a channel may have under way to it on a path without
	// delay, in bytes; 0: as much as its window takes.
	NearFlight uint32
	// MaxPacket is the largest channel packet to advertise to it, in bytes.
	MaxPacket uint32
	// EOW says that it understands eow@openssh.com; sent to others it may end
	// the connection (PROTOCOL, section 2.1).
	EOW bool
	// DataInKex says that it goes on with messages of the connection protocol
	// between its KEXINIT and its NEWKEYS of a later exchange, which RFC 4253,
	// section 7.1 forbids.
	DataInKex bool
	// Nudge says that a client which has answered our last CLOSE may wait for one
	// more packet before it notices that it is done.
	Nudge bool
	// OnlyListens says that of global requests it takes tcpip-forward alone, and
	// passes no answers on: OpenSSH's way to a shared connection.
	OnlyListens bool
	// NoGuess forbids guessed first key-exchange packets.
	NoGuess bool
}

// quirkTable is searched from the top; the first prefix of the software version
// that fits wins, "" fits all.
var quirkTable = [...]struct {
	prefix string
	quirks Quirks
}{
	// Windows between nacre peers grow with the path.
	{"nacre_", Quirks{Name: "nacre", MaxWindow: 128 << 20, MaxPacket: 65280, EOW: true}},
	// Above 8 MiB an OpenSSH sender repacks its buffers and slows down; it
	// honours packets of 200 000 bytes.
	// What it has not written yet it moves about in its buffers: a quarter of its
	// window keeps it as busy as the whole, and spares it up to a fifth of its
	// processor time.
	{"OpenSSH_", Quirks{Name: "OpenSSH", MaxWindow: 8 << 20, NearFlight: 512 << 10, MaxPacket: 65280, EOW: true}},
	// Dropbear before 2025.88 clamps windows, and takes them for signed.
	// Its client looks whether channels are left before it closes them: a CLOSE
	// that waited for slow output, and whose answer leaves with other packets,
	// has it sleep for eight hours.
	{"dropbear", Quirks{Name: "dropbear", MaxWindow: 8 << 20, MaxPacket: 32 << 10, Nudge: true, NoGuess: true}},
	{"PuTTY", Quirks{Name: "PuTTY", MaxWindow: 16 << 20, MaxPacket: 32 << 10}},
	// Version 2.12 answers global requests even while it rekeys.
	{"paramiko", Quirks{Name: "paramiko", MaxWindow: 16 << 20, MaxPacket: 32 << 10, DataInKex: true, NoGuess: true}},
	// Version 2.10 sends what it has even while it rekeys.
	{"AsyncSSH", Quirks{Name: "AsyncSSH", MaxWindow: 16 << 20, MaxPacket: 32 << 10, DataInKex: true}},
	{"", Quirks{MaxWindow: 16 << 20, MaxPacket: 32 << 10, NoGuess: true}},
}

// quirksOf looks an identification line ("SSH-2.0-software comments") up.
func quirksOf(id string) Quirks {
	software := id
	for range 2 {
		if _, after, ok := strings.Cut(software, "-"); ok {
			software = after
		}
	}
	for _, row := range quirkTable {
		if strings.HasPrefix(software, row.prefix) {
			return row.quirks
		}
	}
	return Quirks{}
}
