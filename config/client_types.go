package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ControlPersist says whether a master connection stays when its last session
// has ended. Idle is how long; 0 for ever.
type ControlPersist struct {
	On   bool
	Idle time.Duration
}

// AddKeysToAgent says what happens to a key that was loaded from a file.
type AddKeysToAgent struct {
	Mode     string        // "no", "yes", "ask" or "confirm"
	Lifetime time.Duration // 0 for the agent's default
}

// TunnelAny is a device that the system chooses.
const TunnelAny = -1

// A TunnelDevice is the number of a tun or tap device at both ends.
type TunnelDevice struct{ Local, Remote int }

// A ChannelTimeout closes channels of a type after a time without data.
type ChannelTimeout struct {
	Type     string // a pattern, or "global"
	Interval time.Duration
	text     string // as written
}

// A CNAMERule lets the names that match From be replaced by a CNAME that
// matches To; both are pattern lists.
type CNAMERule struct{ From, To string }

// IPQoS are the classes of service of packets.
type IPQoS struct{ Interactive, Bulk QoS }

// A QoS is the byte that goes into IP_TOS or IPV6_TCLASS, or QoSNone.
type QoS int

// QoSNone leaves the class to the system.
const QoSNone QoS = -1

// qosNames are pairs of a name and its byte (RFC 2474, 2597, 3246, 8622; the
// last three are RFC 791's).
func qosNames() []struct {
	name string
	qos  QoS
} {
	return []struct {
		name string
		qos  QoS
	}{
		{"none", QoSNone},
		{"af11", 0x28}, {"af12", 0x30}, {"af13", 0x38}, {"af21", 0x48}, {"af22", 0x50}, {"af23", 0x58},
		{"af31", 0x68}, {"af32", 0x70}, {"af33", 0x78}, {"af41", 0x88}, {"af42", 0x90}, {"af43", 0x98},
		{"cs0", 0x00}, {"cs1", 0x20}, {"cs2", 0x40}, {"cs3", 0x60}, {"cs4", 0x80}, {"cs5", 0xa0}, {"cs6", 0xc0}, {"cs7", 0xe0},
		{"ef", 0xb8}, {"le", 0x04}, {"va", 0xb0},
		{"lowdelay", 0x10}, {"throughput", 0x08}, {"reliability", 0x04},
	}
}

func parseQoS(word string) (QoS, error) {
	for _, row := range qosNames() {
		if strings.EqualFold(word, row.name) {
			return row.qos, nil
		}
	}
	n, err := strconv.ParseUint(word, 0, 8)
	if err != nil {
		return 0, complain("Bad IPQoS value: %s", printable(word))
	}
	return QoS(n), nil
}

// String is the name, or the byte in hexadecimal.
func (q QoS) String() string {
	for _, row := range qosNames() {
		if row.qos == q {
			return row.name
		}
	}
	return fmt.Sprintf("0x%02x", int(q))
}

// ParseTunnelDevice reads -w's argument: here[:there], numbers or "any".
func ParseTunnelDevice(word string) (TunnelDevice, error) {
	local, remote, both := strings.Cut(word, ":")
	if !both {
		remote = "any"
	}
	d := TunnelDevice{parseTunnelNumber(local), parseTunnelNumber(remote)}
	if d.Local < TunnelAny || d.Remote < TunnelAny {
		return TunnelDevice{}, complain("Bad tun device.")
	}
	return d, nil
}

// parseTunnelNumber returns a number, TunnelAny, or less for what is neither.
func parseTunnelNumber(word string) int {
	const most = 0x7ffffffd // SSH_TUNID_MAX
	if strings.EqualFold(word, "any") {
		return TunnelAny
	}
	if n, err := strconv.ParseUint(word, 10, 31); err == nil && n <= most {
		return int(n)
	}
	return TunnelAny - 1
}

// String is "local:remote".
func (d TunnelDevice) String() string { return tunnelWord(d.Local) + ":" + tunnelWord(d.Remote) }

func tunnelWord(n int) string {
	if n == TunnelAny {
		return "any"
	}
	return strconv.Itoa(n)
}
