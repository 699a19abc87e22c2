package agent

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// A Destination is one step that a key may be used for: from a host, or from
// where the agent runs, to a user at a host (PROTOCOL.agent, section 2).
type Destination struct {
	From Hop // its zero value: where the agent runs
	To   Hop
}

// A Hop is a host, by its name and the keys that prove it.
type Hop struct {
	User string // a pattern; "" is any; not in a From
	Host string
	Keys []HopKey
}

// A HopKey is a key that a host may show.
type HopKey struct {
	Blob []byte
	// Authority says that the key is not the host's but signs its
	// certificate.
	Authority bool
}

func (h *Hop) empty() bool { return h.Host == "" && len(h.Keys) == 0 }

// check tells whether an agent can hold a key to d.
func (d *Destination) check() error {
	switch {
	case d.From.User != "":
		return errors.New("destination names a user to come from")
	case (d.From.Host == "") != (len(d.From.Keys) == 0):
		return errors.New("destination has a host without keys to come from")
	case d.To.Host == "" || len(d.To.Keys) == 0:
		return errors.New("destination lacks a host, or its keys")
	case len(d.To.User) > maxUser:
		return errors.New("destination's user is too long")
	}
	return nil
}

func appendDestinations(b []byte, list []Destination) ([]byte, error) {
	if len(list) > MaxDestinations {
		return nil, fmt.Errorf("key has %d destinations, at most %d are taken", len(list), MaxDestinations)
	}
	var all []byte
	for i := range list {
		if err := list[i].check(); err != nil {
			return nil, err
		}
		one := wire.AppendString(nil, list[i].From.append(nil))
		one = wire.AppendString(one, list[i].To.append(nil))
		one = wire.AppendString(one, "") // reserved
		all = wire.AppendString(all, one)
	}
	return wire.AppendString(b, all), nil
}

func (h *Hop) append(b []byte) []byte {
	b = wire.AppendString(b, h.User)
	b = wire.AppendString(b, h.Host)
	b = wire.AppendString(b, "") // reserved
	for _, k := range h.Keys {
		b = wire.AppendString(b, k.Blob)
		b = wire.AppendBool(b, k.Authority)
	}
	return b
}

func readDestinations(blob []byte) ([]Destination, error) {
	var list []Destination
	for r := wire.NewReader(blob); r.Len() > 0; {
		if len(list) == MaxDestinations {
			return nil, fmt.Errorf("key has more than %d destinations", MaxDestinations)
		}
		one := r.Bytes()
		if err := r.Err(); err != nil {
			return nil, err
		}
		d, err := readDestination(one)
		if err != nil {
			return nil, err
		}
		list = append(list, d)
	}
	return list, nil
}

func readDestination(blob []byte) (d Destination, err error) {
	r := wire.NewReader(blob)
	from, to, reserved := r.Bytes(), r.Bytes(), r.Bytes()
	if err := r.End(); err != nil {
		return d, err
	}
	if len(reserved) > 0 {
		return d, errors.New("destination has an unknown extension")
	}
	if d.From, err = readHop(from); err != nil {
		return d, err
	}
	if d.To, err = readHop(to); err != nil {
		return d, err
	}
	return d, d.check()
}

func readHop(blob []byte) (h Hop, err error) {
	r := wire.NewReader(blob)
	h.User, h.Host = r.String(), r.String()
	if reserved := r.Bytes(); len(reserved) > 0 {
		return h, errors.New("host of a destination has an unknown extension")
	}
	for r.Len() > 0 && r.Err() == nil {
		k := HopKey{Blob: bytes.Clone(r.Bytes()), Authority: r.Bool()}
		if _, _, err := Plain(k.Blob); r.Err() == nil && err != nil {
			return h, err
		}
		h.Keys = append(h.Keys, k)
	}
	return h, r.End()
}

// A HostCertificate judges a host's certificate: it must be valid now for the
// host. It returns the key that has signed it.
type HostCertificate func(certificate []byte, host string) (authority key.Public, err error)

// has reports whether a host that showed this key or certificate is the hop's.
func (h *Hop) has(blob []byte, judge HostCertificate) bool {
	_, certificate, err := Plain(blob)
	if err != nil {
		return false
	}
	var signer []byte
	if certificate {
		if judge == nil {
			return false
		}
		authority, err := judge(blob, h.Host)
		if err != nil {
			return false
		}
		signer = authority.Blob()
	}
	for _, k := range h.Keys {
		switch {
		case k.Authority != certificate:
		case certificate && bytes.Equal(k.Blob, signer), !certificate && bytes.Equal(k.Blob, blob):
			return true
		}
	}
	return false
}

// allowed reports whether one of the destinations is the step between two
// hosts. No from is where the agent runs, no to is any host, and no user any
// user.
func allowed(list []Destination, from, to []byte, user string, judge HostCertificate) bool {
	for i := range list {
		d := &list[i]
		switch {
		case from == nil && !d.From.empty():
		case from != nil && !d.From.has(from, judge):
		case to != nil && !d.To.has(to, judge):
		case d.To.User != "" && user != "" && !pattern.Match(user, d.To.User):
		default:
			return true
		}
	}
	return false
}

// permits reports whether a peer may use, or with user "" see, a key that is
// held to destinations. Each hop that the peer has told of must be a step that
// is allowed, and all but the last must be forwardings.
func (p *Peer) permits(list []Destination, user string, judge HostCertificate) bool {
	if len(list) == 0 {
		return true
	}
	if len(p.bindings) == 0 {
		return !p.attempted // local use, unless it hides where it comes from
	}
	var from []byte
	last := len(p.bindings) - 1
	for i, b := range p.bindings {
		who := ""
		switch {
		case i < last && !b.Forwarded, i == last && b.Forwarded && user != "":
			return false
		case i == last:
			who = user
		}
		if !allowed(list, from, b.HostKey, who, judge) {
			return false
		}
		from = b.HostKey
	}
	// A key for a host, and not for use beyond it, is not seen from there.
	if p.bindings[last].Forwarded && user == "" {
		return allowed(list, from, nil, "", judge)
	}
	return true
}

// login says whether a peer may have data signed with a key that is held to
// destinations: it must be the login that the peer's last binding is about.
// It returns the user who logs in.
func (p *Peer) login(list []Destination, blob, data []byte, judge HostCertificate) (user string, err error) {
	if len(p.bindings) == 0 {
		return "", errors.New("key is held to destinations, and the connection tells of none")
	}
	q, err := readLogin(data)
	if err != nil {
		return "", fmt.Errorf("key is held to destinations, and this is no login: %w", err)
	}
	last := p.bindings[len(p.bindings)-1]
	switch {
	case !bytes.Equal(q.key, blob):
		return "", errors.New("login is with another key")
	case !p.permits(list, q.user, judge):
		return "", errors.New("key is not for this destination")
	case !bytes.Equal(q.session, last.SessionID):
		return "", errors.New("login is for another session than the one that was told of")
	case q.host == nil && len(p.bindings) > 1:
		return "", errors.New("login over a forwarded agent doesn't name the host's key")
	case q.host != nil && !bytes.Equal(q.host, last.HostKey):
		return "", errors.New("login is for a host with another key")
	}
	return q.user, nil
}

// A login is what a signature of the publickey method is over (RFC 4252,
// section 7, and PROTOCOL, section 3.1).
type login struct {
	session []byte
	user    string
	key     []byte
	host    []byte // nil without publickey-hostbound
}

func readLogin(data []byte) (q login, err error) {
	r := wire.NewReader(data)
	q.session = r.Bytes()
	number := r.Byte()
	q.user = r.String()
	service, method, signed := r.String(), r.String(), r.Bool()
	algorithm := r.String()
	q.key = r.Bytes()
	if method == "publickey-hostbound-v00@openssh.com" {
		q.host = r.Bytes()
	} else if method != "publickey" {
		return q, errors.New("it is of another method")
	}
	if err := r.End(); err != nil {
		return q, err
	}
	if len(q.session) == 0 || number != wire.MsgUserauthRequest || service != "ssh-connection" || !signed || q.user == "" {
		return q, errors.New("it is another message")
	}
	return q, fits(algorithm, q.key)
}

// fits tells whether a signature algorithm is one of a key's, or a certificate's.
func fits(algorithm string, blob []byte) error {
	k, certificate, err := Plain(blob)
	if err != nil {
		return err
	}
	if certificate {
		var ok bool
		if algorithm, ok = strings.CutSuffix(algorithm, certSuffix); !ok {
			return errors.New("its algorithm is not for a certificate")
		}
	}
	for _, a := range k.Algorithms() {
		if a == algorithm {
			return nil
		}
	}
	return fmt.Errorf("a %s key makes no %q signatures", k.Type(), algorithm)
}
