package client

import (
	"net"

	"github.com/nacre-ssh/nacre/transport"
)

// Shared is the Client of a connection on which another process has logged in
// and whose messages it passes on over nc (OpenSSH's PROTOCOL.mux, section 9). Of
// the configuration it needs Mux and Logger. There is no host key to judge and no
// Auth; Close ends this Client and not the other's connection. The Client owns
// nc.
func Shared(nc net.Conn, q transport.Quirks, cfg *Config) *Client {
	conn := transport.Shared(nc, q, &transport.Config{Logger: cfg.Logger})
	return start(conn, nil, cfg, logger(cfg))
}
