package proxy

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// What an HTTP proxy may send before the connection, in bytes.
const (
	maxHeader = 64 << 10
	maxLine   = 16 << 10
	maxBody   = 1 << 20 // of a refusal, read to use the connection again
)

// maxAsked is how often a person is asked for a password.
const maxAsked = 3

// A response is the head of an HTTP answer.
type response struct {
	minor      int // HTTP/1.minor
	status     int
	reason     string
	length     int64 // of the body; -1 when unknown
	closes     bool
	challenges []challenge
}

// An httpTalk is the way to one CONNECT, over one or several connections.
type httpTalk struct {
	d    *Dialer
	p    *Proxy
	to   Target
	nc   net.Conn // nil: to be made
	used bool     // it has carried an answer already

	user, password string
	known          bool
	asked          int
	tried          bool // the proxy has seen the credentials
	header         string
	last           *challenge
}

// dialHTTP asks an HTTP proxy for a tunnel (RFC 9110, section 9.3.6).
func dialHTTP(ctx context.Context, d *Dialer, p *Proxy, to Target) (net.Conn, error) {
	t := &httpTalk{d: d, p: p, to: to, user: p.User, password: p.Password, known: p.HasPassword}
	if p.Preemptive && p.HasPassword {
		t.header = basic(p.User, p.Password)
	}
	for range maxAsked + 3 {
		r, err := t.exchange(ctx)
		if err != nil {
			t.close()
			return nil, err
		}
		switch {
		case r.status/100 == 2:
			return t.nc, nil
		case r.status == 407:
			if err := t.authorize(ctx, r); err != nil {
				t.close()
				return nil, err
			}
		case r.status == 401 && t.header != "": // tinyproxy's 407 for a wrong password
			t.close()
			return nil, &AuthError{p, "it refuses the user or the password"}
		default:
			t.close()
			return nil, &RefusedError{p, to, strings.TrimSpace(strconv.Itoa(r.status) + " " + r.reason)}
		}
	}
	t.close()
	return nil, &AuthError{p, "it asks for a password again and again"}
}

func (t *httpTalk) close() {
	if t.nc != nil {
		t.nc.Close()
		t.nc, t.used = nil, false
	}
}

// exchange sends the request and reads the answer's head. A connection that was
// kept and turns out to be closed is made again.
func (t *httpTalk) exchange(ctx context.Context) (*response, error) {
	for {
		if t.nc == nil {
			nc, err := t.d.connect(ctx, t.p)
			if err != nil {
				return nil, err
			}
			t.nc = nc
		}
		var r *response
		err := t.d.guarded(ctx, t.nc, func() (err error) {
			if _, err = io.WriteString(t.nc, t.request()); err == nil {
				r, err = readResponse(t.nc)
			}
			return err
		})
		if err == nil {
			return r, nil
		}
		kept := t.used
		t.close()
		if kept && ctx.Err() == nil {
			continue
		}
		return nil, t.broken(err)
	}
}

// broken says what an unfinished or senseless answer was.
func (t *httpTalk) broken(err error) error {
	var bad *malformed
	switch {
	case errors.As(err, &bad):
		return &BrokenError{t.p, bad.text}
	case hungUp(err):
		return &BrokenError{t.p, "the end of the connection"}
	}
	return fmt.Errorf("the proxy %s: %w", t.p, err)
}

func (t *httpTalk) request() string {
	text := "CONNECT " + t.to.String() + " HTTP/1.1\r\nHost: " + t.to.String() + "\r\n"
	if t.header != "" {
		text += "Proxy-Authorization: " + t.header + "\r\n"
	}
	return text + "\r\n"
}

// authorize finds an answer to a 407 and makes the connection ready for it.
func (t *httpTalk) authorize(ctx context.Context, r *response) error {
	c := strongest(r.challenges)
	if c == nil {
		return &AuthError{t.p, "it wants a kind of login that is not supported here (" + names(r.challenges) + ")"}
	}
	if err := t.keep(ctx, r); err != nil {
		t.close()
	}
	stale := c.stale() && t.last != nil && t.last.params["nonce"] != c.params["nonce"]
	// What was sent unasked, in the clear, was wrong only if that is asked for.
	unfit := t.header != "" && t.last == nil && c.scheme != "basic"
	t.last = c
	if t.known && (!t.tried && (t.header == "" || unfit) || stale) {
		return t.answer(c)
	}
	return t.question(ctx, c)
}

// question asks the person.
func (t *httpTalk) question(ctx context.Context, c *challenge) error {
	if t.asked == maxAsked {
		return &AuthError{t.p, "it refuses the password"}
	}
	q := Question{t.p, t.p.User, c.params["realm"], t.known}
	t.asked++
	user, password, ok, err := t.d.ask(ctx, q)
	switch {
	case err != nil:
		return err
	case !ok && t.known:
		return &AuthError{t.p, "it refuses the user or the password"}
	case !ok:
		return &AuthError{t.p, "it asks for a user and a password"}
	}
	t.user, t.password, t.known = user, password, true
	return t.answer(c)
}

func (t *httpTalk) answer(c *challenge) (err error) {
	t.tried = true
	if c.scheme == "basic" {
		t.header = basic(t.user, t.password)
		return nil
	}
	t.header, err = c.digest(t.user, t.password, "CONNECT", t.to.String())
	if err != nil {
		return &AuthError{t.p, err.Error()}
	}
	return nil
}

// basic is RFC 7617's header.
func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// keep reads the body of a refusal, so that the connection can be used again.
func (t *httpTalk) keep(ctx context.Context, r *response) error {
	if r.closes || r.length < 0 || r.length > maxBody {
		return errors.New("not to be used again")
	}
	t.used = true
	return t.d.guarded(ctx, t.nc, func() error {
		_, err := io.CopyN(io.Discard, t.nc, r.length)
		return err
	})
}

// malformed is an answer that isn't HTTP.
type malformed struct{ text string }

func (e *malformed) Error() string { return e.text }

// readResponse reads an answer's head to its last byte and no further, without
// interim answers.
func readResponse(from io.Reader) (*response, error) {
	left := maxHeader
	for {
		line, err := readLine(from, &left)
		if err != nil {
			return nil, err
		}
		r, err := parseStatus(line)
		if err != nil {
			return nil, err
		}
		for {
			line, err := readLine(from, &left)
			if err != nil {
				return nil, err
			}
			if line == "" {
				break
			}
			if err := r.field(line); err != nil {
				return nil, err
			}
		}
		if r.status/100 != 1 {
			return r, nil
		}
	}
}

// readLine reads a byte at a time: what follows the head is the target's.
func readLine(from io.Reader, left *int) (string, error) {
	var line []byte
	var one [1]byte
	for {
		if _, err := io.ReadFull(from, one[:]); err != nil {
			return "", err
		}
		if *left--; *left < 0 || len(line) >= maxLine {
			return "", &malformed{"a header without end"}
		}
		if one[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, one[0])
	}
}

// parseStatus reads "HTTP/1.1 200 OK".
func parseStatus(line string) (*response, error) {
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
	status, err := strconv.ParseUint(code, 10, 16)
	if version != "HTTP/1.0" && version != "HTTP/1.1" || err != nil || len(code) != 3 || status < 100 {
		return nil, &malformed{fmt.Sprintf("%.60q", line)}
	}
	r := &response{minor: int(version[len(version)-1] - '0'), status: int(status), reason: reason, length: -1}
	r.closes = r.minor == 0
	return r, nil
}

// field takes one line of the header.
func (r *response) field(line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok || name == "" || strings.ContainsAny(name, " \t") {
		if line[0] == ' ' || line[0] == '\t' { // an old kind of continuation
			return nil
		}
		return &malformed{fmt.Sprintf("the header line %.60q", line)}
	}
	value = strings.TrimSpace(value)
	switch strings.ToLower(name) {
	case "content-length":
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil {
			return &malformed{fmt.Sprintf("the length %.60q", value)}
		}
		r.length = int64(n)
	case "transfer-encoding":
		r.closes = true // no need to take it apart
	case "connection", "proxy-connection":
		r.closes = !strings.EqualFold(value, "keep-alive") && (r.closes || strings.Contains(strings.ToLower(value), "close"))
	case "proxy-authenticate":
		r.challenges = append(r.challenges, parseChallenges(value)...)
	}
	return nil
}
