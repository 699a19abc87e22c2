package testpeer

import "net"

// Accept has serve called for each connection to a port of 127.0.0.1, in a
// goroutine of its own, until the test ends, and returns the port. A connection
// is closed when serve returns.
func Accept(t TB, serve func(*net.TCPConn)) int {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.AcceptTCP()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				serve(nc)
			}()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}
