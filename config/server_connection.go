package config

import "time"

// connectionRows are sshd_config's keywords about the packets of a connection and
// about what is left idle on it.
func connectionRows() []row[Server] {
	type s = Server
	return []row[s]{
		{"IPQoS", ipQoS(func(s *s) *IPQoS { return &s.IPQoS }), "ef cs0", false, anywhere, "Classes of service of packets: for connections with nothing but terminals, and for all others. none leaves packets as they are."},
		{"ChannelTimeout", channelTimeouts(func(s *s) *[]ChannelTimeout { return &s.ChannelTimeout }), "", false, anywhere, "type=time: close channels of a type when idle for that long; global closes all when none was used."},
		{"UnusedConnectionTimeout", seconds(func(s *s) *time.Duration { return &s.UnusedConnectionTimeout }, "none"), "none", false, anywhere, "End connections that have no channel for that long; none for never."},
		{"PermitTunnel", choice(func(s *s) *string { return &s.Forwarding.Tunnel }, "yes", "yes", "no", "no", "point-to-point", "point-to-point", "ethernet", "ethernet"), "no", false, anywhere, "Whether clients may connect network devices here with theirs: no, point-to-point, ethernet or yes for both. The user must be allowed to open one."},
	}
}
