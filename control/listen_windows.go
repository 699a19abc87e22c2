package control

import "net"

func listenPrivately(path string) (*net.UnixListener, error) {
	return net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
}

// checkDirectory has nothing to check: a profile's files are the user's own.
func checkDirectory(string) error { return nil }
