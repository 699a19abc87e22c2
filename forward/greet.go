package forward

import (
	"io"
	"time"
)

// greet talks SOCKS with a client until it is known where it wants to go. rest
// is what the client said already to that place. give ends the talk after
// greetingTime: it makes reading fail.
func greet(rw io.ReadWriter, give func()) (s *socks, target Address, rest []byte, err error) {
	timer := time.AfterFunc(greetingTime, give)
	defer timer.Stop()
	s = new(socks)
	buf, n := make([]byte, maxGreeting), 0
	for {
		used, answer, to, err := s.next(buf[:n])
		if len(answer) > 0 {
			if _, werr := rw.Write(answer); werr != nil {
				return s, Address{}, nil, werr
			}
		}
		n = copy(buf, buf[used:n])
		switch {
		case err != nil:
			return s, Address{}, nil, err
		case to != nil:
			return s, *to, buf[:n], nil
		case used > 0 && n > 0:
			continue // the client did not wait for the answer
		case n == len(buf):
			return s, Address{}, nil, errSocksLong
		}
		m, err := rw.Read(buf[n:])
		n += m
		if err != nil && m == 0 {
			return s, Address{}, nil, err
		}
	}
}
