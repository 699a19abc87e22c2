package testpeer

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/nacre-ssh/nacre/wire"
)

// Offer is what a peer says in its first key exchange, best first.
type Offer struct {
	Version string // the identification line, without its end
	Payload []byte // the KEXINIT message

	Kex, HostKey []string // with pseudo-algorithms such as ext-info-c
	Cipher, MAC  []string // from client to server
	Compression  []string
}

// ServerOffer asks a server what it offers.
func ServerOffer(at Target) (Offer, error) {
	c, err := net.Dial("tcp", at.Addr())
	if err != nil {
		return Offer{}, err
	}
	defer c.Close()
	return readOffer(c)
}

// ClientOffer asks a client what it offers with s.
func ClientOffer(t TB, client Client, identity *Key, s Session) (Offer, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return Offer{}, err
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()

	// The client's own end is a failure by design, and of no interest.
	left := make(chan struct{})
	defer func() { <-left }()
	go func() {
		defer close(left)
		port := l.Addr().(*net.TCPAddr).Port
		client.Run(ctx, target(t, port, ServerOptions{Authorized: identity, HostKeys: []*Key{identity}}), s)
	}()
	c, err := l.Accept()
	if err != nil {
		return Offer{}, fmt.Errorf("%s did not connect: %w", client.Name(), err)
	}
	defer c.Close()
	return readOffer(c)
}

// readOffer says hello and reads the peer's first lines and packet.
func readOffer(c net.Conn) (Offer, error) {
	if _, err := io.WriteString(c, "SSH-2.0-testpeer\r\n"); err != nil {
		return Offer{}, err
	}
	r := bufio.NewReader(c)
	version, err := r.ReadString('\n')
	if err != nil {
		return Offer{}, err
	}
	// RFC 4253, section 6: length, padding length, payload, padding; no MAC.
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return Offer{}, err
	}
	length, padding := int(binary.BigEndian.Uint32(head[:])), int(head[4])
	if length > 35000 || length < padding+2 {
		return Offer{}, errors.New("first packet of impossible length")
	}
	payload := make([]byte, length-padding-1)
	if _, err := io.ReadFull(r, payload); err != nil {
		return Offer{}, err
	}
	return parseOffer(strings.TrimRight(version, "\r\n"), payload)
}

// parseOffer reads a KEXINIT, RFC 4253, section 7.1.
func parseOffer(version string, payload []byte) (Offer, error) {
	const fixed = 1 + 16 // message number, cookie
	if len(payload) < fixed || payload[0] != wire.MsgKexInit {
		return Offer{}, errors.New("the first packet is no KEXINIT")
	}
	r := wire.NewReader(payload[fixed:])
	var lists [8][]string
	for i := range lists {
		lists[i] = r.NameList()
	}
	return Offer{
		Version: version, Payload: payload,
		Kex: lists[0], HostKey: lists[1], Cipher: lists[2], MAC: lists[4], Compression: lists[6],
	}, r.Err()
}
