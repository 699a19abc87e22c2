package netx

import "golang.org/x/sys/unix"

// tcpNotSentLowAt is TCP_NOTSENT_LOWAT of tcp(7).
const tcpNotSentLowAt = unix.TCP_NOTSENT_LOWAT
