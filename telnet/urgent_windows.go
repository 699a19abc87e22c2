package telnet

import "net"

// An input reads a connection. Windows does not tell where urgent data is among
// the rest; it is taken out, and so not seen at all.
type input struct {
	nc   net.Conn
	mark bool
}

func newInput(nc net.Conn) *input { return &input{nc: nc} }

func (in *input) read(p []byte) (n int, urgent bool, err error) {
	n, err = in.nc.Read(p)
	return n, false, err
}

// sendUrgent sends the byte in line.
func sendUrgent(nc net.Conn, b byte) error {
	_, err := nc.Write([]byte{b})
	return err
}
