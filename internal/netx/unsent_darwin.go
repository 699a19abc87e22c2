package netx

// tcpNotSentLowAt is TCP_NOTSENT_LOWAT of netinet/tcp.h.
const tcpNotSentLowAt = 0x201
