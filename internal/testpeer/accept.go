package testpeer

import "net"

// Accept has serve called for each connection to a port of 127.0.0.1, as
// [AcceptAt] does, and returns the port.
func Accept(t TB, serve func(*net.TCPConn)) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	AcceptAt(t, l, func(nc net.Conn) { serve(nc.(*net.TCPConn)) })
	return l.Addr().(*net.TCPAddr).Port
}

// AcceptAt has serve called for each connection that a listener accepts, in a
// goroutine of its own, until the test ends, which closes the listener. A
// connection is closed when serve returns.
func AcceptAt(t TB, l net.Listener, serve func(net.Conn)) {
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				serve(nc)
			}()
		}
	}()
}
