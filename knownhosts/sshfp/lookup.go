package sshfp

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A LookupError says that the DNS had nothing to say.
type LookupError struct {
	Name string
	Err  error
}

func (e *LookupError) Error() string { return "SSHFP records of " + e.Name + ": " + e.Err.Error() }

// Unwrap returns the reason.
func (e *LookupError) Unwrap() error { return e.Err }

// Lookup asks for the SSHFP records of a whole name: no domain is added to it.
// A name without records has an empty answer and no error. Every error is a
// *[LookupError].
func (r *Resolver) Lookup(ctx context.Context, name string) (Answer, error) {
	full, err := dnsmessage.NewName(strings.TrimSuffix(name, ".") + ".")
	if err != nil || name == "" {
		return Answer{}, &LookupError{name, errors.New("that is no name of the DNS")}
	}
	records, checked, err := r.ask(ctx, full)
	if err != nil {
		return Answer{}, &LookupError{name, err}
	}
	return Answer{Records: records, Secure: checked && r.TrustAD, Unheard: checked && !r.TrustAD}, nil
}

// ask goes through the servers until one has an answer.
func (r *Resolver) ask(ctx context.Context, name dnsmessage.Name) (records []Record, checked bool, err error) {
	servers := r.Servers
	if len(servers) == 0 {
		servers = []string{"127.0.0.1:53"}
	}
	attempts := r.Attempts
	if attempts == 0 {
		attempts = defaultAttempts
	}
	for range attempts {
		for _, server := range servers {
			records, checked, err = r.askOne(ctx, server, name)
			var code *codeError
			switch {
			case err == nil, errors.As(err, &code) && code.code == dnsmessage.RCodeNameError:
				return records, checked, err
			case ctx.Err() != nil:
				return nil, false, context.Cause(ctx)
			}
		}
	}
	return nil, false, err
}

// askOne asks one server by a datagram, and by TCP where that is too small.
func (r *Resolver) askOne(ctx context.Context, server string, name dnsmessage.Name) ([]Record, bool, error) {
	timeout := r.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !r.TCP {
		records, checked, err := exchange(ctx, "udp", server, name)
		if !errors.Is(err, errTruncated) {
			return records, checked, err
		}
	}
	return exchange(ctx, "tcp", server, name)
}

// exchange sends the question and waits for its answer.
func exchange(ctx context.Context, network, server string, name dnsmessage.Name) ([]Record, bool, error) {
	id, err := randomID()
	if err != nil {
		return nil, false, err
	}
	query, err := question(id, name)
	if err != nil {
		return nil, false, err
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, server)
	if err != nil {
		return nil, false, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	if network == "tcp" {
		return overTCP(conn, query, id, name)
	}
	return overUDP(conn, query, id, name)
}

func randomID() (uint16, error) {
	var b [2]byte
	_, err := rand.Read(b[:])
	return binary.BigEndian.Uint16(b[:]), err
}

// overUDP passes over datagrams that answer another question: somebody guesses.
// The timeout ends it.
func overUDP(conn net.Conn, query []byte, id uint16, name dnsmessage.Name) ([]Record, bool, error) {
	if _, err := conn.Write(query); err != nil {
		return nil, false, err
	}
	buf := make([]byte, 65535)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, false, unanswered(conn, err)
		}
		records, checked, err := parseAnswer(buf[:n], id, name)
		if !errors.Is(err, errForeign) {
			return records, checked, err
		}
	}
}

// overTCP has the length before each message (RFC 1035, section 4.2.2).
func overTCP(conn net.Conn, query []byte, id uint16, name dnsmessage.Name) ([]Record, bool, error) {
	message := binary.BigEndian.AppendUint16(nil, uint16(len(query)))
	if _, err := conn.Write(append(message, query...)); err != nil {
		return nil, false, err
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return nil, false, unanswered(conn, err)
	}
	answer := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return nil, false, unanswered(conn, err)
	}
	return parseAnswer(answer, id, name)
}

func unanswered(conn net.Conn, err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("the name server %s does not answer", conn.RemoteAddr())
	}
	return fmt.Errorf("the name server %s: %w", conn.RemoteAddr(), err)
}
