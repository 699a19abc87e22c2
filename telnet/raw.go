package telnet

import "net"

// Raw is a connection that speaks nothing: bytes go as they come. It may be
// used by one reader and one writer at a time.
type Raw struct{ net.Conn }

// Resize does nothing: there is nobody to tell.
func (Raw) Resize(columns, rows uint16) error { return nil }

// EndOfInput says that nothing more will be written; reading goes on.
func (r Raw) EndOfInput() error {
	if half, ok := r.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Mode is always that of a line at a time, shown here.
func (Raw) Mode() Mode { return Mode{Echo: true, Edit: true} }
