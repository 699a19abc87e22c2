package forward

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"

	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// socks is what is known of a SOCKS client (SOCKS.protocol and SOCKS4A.protocol
// of Ying-Da Lee; RFC 1928). Its zero value knows nothing. It does no I/O.
type socks struct {
	version byte // 4 or 5
	greeted bool // version 5: the method is agreed
}

// The numbers of the two protocols.
const (
	socks4, socks5 = 4, 5
	socksConnect   = 1

	socks4Granted = 90
	socks4Refused = 91

	methodNone       = 0x00
	methodNoneOfThem = 0xff

	atypIPv4, atypName, atypIPv6 = 1, 3, 4
)

// A result is the code in a reply of SOCKS 5 (RFC 1928, section 6).
type result byte

const (
	resultGranted     result = 0
	resultFailure     result = 1
	resultProhibited  result = 2
	resultNetwork     result = 3
	resultHost        result = 4
	resultRefused     result = 5
	resultTimeout     result = 6
	resultCommand     result = 7
	resultAddressType result = 8
)

var (
	errNoSocks      = errors.New("the client does not speak SOCKS 4 or 5")
	errSocksMethod  = errors.New("the SOCKS client offers no way in without a password")
	errSocksCommand = errors.New("the SOCKS client asks for something else than a connection")
	errSocksAddress = errors.New("the SOCKS client names no usable address")
	errSocksLong    = errors.New("the SOCKS client says too much")
)

// next looks at what the client has said and was not used yet, and returns how
// much of it is used, what to answer, and the target once it is known. Nothing
// used without an error means that more must come. An error ends the dialogue,
// after the answer. It keeps nothing of in.
func (s *socks) next(in []byte) (used int, answer []byte, target *Address, err error) {
	if len(in) == 0 {
		return 0, nil, nil, nil
	}
	switch {
	case in[0] == socks4 && s.version != socks5:
		s.version = socks4
		return s.request4(in)
	case in[0] == socks5 && !s.greeted:
		s.version = socks5
		return s.greeting5(in)
	case in[0] == socks5:
		return s.request5(in)
	}
	return 0, nil, nil, errNoSocks
}

// request4 reads VN CD DSTPORT DSTIP USERID NULL, and in 4a a name and NULL.
func (s *socks) request4(in []byte) (int, []byte, *Address, error) {
	const head = 8
	if len(in) < head {
		return 0, nil, nil, nil
	}
	end := bytes.IndexByte(in[head:], 0)
	if end < 0 {
		return 0, nil, nil, nil
	}
	used := head + end + 1
	ip := [4]byte(in[4:8])
	host := netip.AddrFrom4(ip).String()
	if ip[0] == 0 && ip[1] == 0 && ip[2] == 0 && ip[3] != 0 { // 4a
		end := bytes.IndexByte(in[used:], 0)
		if end < 0 {
			return 0, nil, nil, nil
		}
		host = string(in[used : used+end])
		used += end + 1
	}
	if in[1] != socksConnect {
		return used, s.reply(resultCommand), nil, errSocksCommand
	}
	return s.target(used, host, binary.BigEndian.Uint16(in[2:]))
}

// greeting5 reads VER NMETHODS METHODS.
func (s *socks) greeting5(in []byte) (int, []byte, *Address, error) {
	if len(in) < 2 || len(in) < 2+int(in[1]) {
		return 0, nil, nil, nil
	}
	used := 2 + int(in[1])
	if bytes.IndexByte(in[2:used], methodNone) < 0 {
		return used, []byte{socks5, methodNoneOfThem}, nil, errSocksMethod
	}
	s.greeted = true
	return used, []byte{socks5, methodNone}, nil, nil
}

// request5 reads VER CMD RSV ATYP DST.ADDR DST.PORT.
func (s *socks) request5(in []byte) (int, []byte, *Address, error) {
	const head = 4
	if len(in) < head+1 {
		return 0, nil, nil, nil
	}
	from, size := head, 0
	switch in[3] {
	case atypIPv4:
		size = 4
	case atypIPv6:
		size = 16
	case atypName:
		from, size = head+1, int(in[4])
	default:
		return len(in), s.reply(resultAddressType), nil, errSocksAddress
	}
	if len(in) < from+size+2 {
		return 0, nil, nil, nil
	}
	used := from + size + 2
	if in[1] != socksConnect {
		return used, s.reply(resultCommand), nil, errSocksCommand
	}
	host := string(in[from : from+size])
	if in[3] != atypName {
		addr, _ := netip.AddrFromSlice(in[from : from+size])
		host = addr.String()
	}
	return s.target(used, host, binary.BigEndian.Uint16(in[from+size:]))
}

func (s *socks) target(used int, host string, port uint16) (int, []byte, *Address, error) {
	if port == 0 || !goodHost(host) {
		return used, s.reply(resultFailure), nil, errSocksAddress
	}
	return used, nil, &Address{Host: host, Port: int(port)}, nil
}

// goodHost lets through what can be a name or an address: it goes to the far
// end's resolver and into logs.
func goodHost(host string) bool {
	return host != "" && len(host) <= maxHost &&
		!strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd })
}

// reply is what the client is told of its request.
func (s *socks) reply(r result) []byte {
	if s.version == socks4 {
		b := make([]byte, 8) // VN is 0
		b[1] = socks4Granted
		if r != resultGranted {
			b[1] = socks4Refused
		}
		return b
	}
	return []byte{socks5, byte(r), 0, atypIPv4, 0, 0, 0, 0, 0, 0}
}

// resultOf is what a failure to connect is for a SOCKS client. The far end says
// why in words alone.
func resultOf(err error) result {
	var refused *mux.OpenError
	text := err.Error()
	if errors.As(err, &refused) {
		if refused.Reason == wire.OpenProhibited {
			return resultProhibited
		}
		text = refused.Text
	}
	text = strings.ToLower(text)
	for _, row := range [...]struct {
		words string
		result
	}{
		{"refused", resultRefused}, {"network is unreachable", resultNetwork}, {"no route to host", resultHost},
		{"host is unreachable", resultHost}, {"not known", resultHost}, {"no such host", resultHost}, {"resolution", resultHost},
		{"timed out", resultTimeout}, {"timeout", resultTimeout},
	} {
		if strings.Contains(text, row.words) {
			return row.result
		}
	}
	return resultFailure
}
