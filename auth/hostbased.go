package auth

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

const methodHostBased = "hostbased" // RFC 4252, section 9

// HostBased is the hostbased method (RFC 4252, section 9): this machine vouches
// for its user with its host keys. keys is asked once; algorithms are the
// signature algorithms to use, best first. name returns what this machine is
// called on this connection, and user who asks, on this machine. An error of
// name is traced and ends the method.
func HostBased(keys KeySource, algorithms []string, name func(context.Context) (string, error), user string) ClientMethod {
	return hostBasedMethod{keys, algorithms, name, user}
}

type hostBasedMethod struct {
	keys       KeySource
	algorithms []string
	name       func(context.Context) (string, error)
	user       string
}

func (hostBasedMethod) Name() string { return methodHostBased }

func (m hostBasedMethod) begin() attempts { return &hostBasedAttempts{hostBasedMethod: m} }

type hostBasedAttempts struct {
	hostBasedMethod
	asked bool
	host  string
	queue []hostOffer
}

// A hostOffer is a key and the algorithm to use it with.
type hostOffer struct {
	id        Identity
	algorithm string
}

func (a *hostBasedAttempts) renew() {}

func (a *hostBasedAttempts) next(ctx context.Context, d *dialogue) (verdict, error) {
	if !a.asked {
		a.asked = true
		if err := a.prepare(ctx); err != nil {
			d.trace(Event{Kind: EventSkip, Method: methodHostBased, Source: "host keys", Err: err})
			return verdict{}, errSpent
		}
	}
	for len(a.queue) > 0 {
		o := a.queue[0]
		a.queue = a.queue[1:]
		data := HostRequest{d.conn.SessionID(), d.cfg.User, o.algorithm, o.id.Signer.Public().Blob(), a.host, a.user}.append(nil)
		signature, err := o.id.Signer.Sign(ctx, o.algorithm, data)
		if err != nil {
			if ctx.Err() != nil {
				return verdict{}, ended(ctx)
			}
			d.trace(Event{Kind: EventSkip, Method: methodHostBased, Key: o.id.Signer.Public(), Algorithm: o.algorithm, Source: o.id.Source, Err: err})
			continue
		}
		request := wire.AppendString(slices.Clone(data[4+len(d.conn.SessionID()):]), signature)
		if err := d.request(ctx, methodHostBased, request); err != nil {
			return verdict{}, err
		}
		v, err := d.verdict(ctx)
		v.key = o.id.Signer.Public()
		return v, err
	}
	return verdict{}, errSpent
}

// prepare finds the keys, in the order of the algorithms.
func (a *hostBasedAttempts) prepare(ctx context.Context) error {
	ids, err := a.keys(ctx)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return errors.New("this machine has no host keys that can be read")
	}
	name, err := a.name(ctx)
	if err != nil {
		return err
	}
	a.host = name + "." // a whole name, as OpenSSH writes it
	for _, algorithm := range a.algorithms {
		for _, id := range ids {
			if slices.Contains(id.Signer.Public().Algorithms(), algorithm) {
				a.queue = append(a.queue, hostOffer{id, algorithm})
			}
		}
	}
	return nil
}

// A HostRequest is what is signed for the hostbased method. The slices are the
// message's.
type HostRequest struct {
	SessionID  []byte
	User       string // to log in as
	Algorithm  string
	Key        []byte // blob
	ClientHost string // who vouches, with a dot at the end
	ClientUser string // for whom
}

func (q HostRequest) append(b []byte) []byte {
	b = wire.AppendString(b, q.SessionID)
	b = appendRequest(b, q.User, methodHostBased)
	b = wire.AppendString(b, q.Algorithm)
	b = wire.AppendString(b, q.Key)
	b = wire.AppendString(b, q.ClientHost)
	return wire.AppendString(b, q.ClientUser)
}

// Session identifiers are hashes: SHA-1's 20 to SHA-512's 64 bytes.
const minSessionID, maxSessionID = 20, 64

// ParseHostRequest reads what a signing helper is asked to sign, and refuses what
// is anything else.
func ParseHostRequest(data []byte) (q HostRequest, k key.Public, err error) {
	r := wire.NewReader(data)
	q.SessionID = r.Bytes()
	kind := r.Byte()
	user, service, method := r.Bytes(), r.Bytes(), r.Bytes()
	algorithm, blob, host, clientUser := r.Bytes(), r.Bytes(), r.Bytes(), r.Bytes()
	if err := r.End(); err != nil {
		return q, nil, malformed("request to sign", err)
	}
	q.User, q.Algorithm, q.Key, q.ClientHost, q.ClientUser = string(user), string(algorithm), blob, string(host), string(clientUser)
	switch {
	case len(q.SessionID) < minSessionID || len(q.SessionID) > maxSessionID,
		kind != wire.MsgUserauthRequest, string(service) != serviceConnection, string(method) != methodHostBased:
		return q, nil, protocolError("this is no request for host-based authentication")
	case len(blob) > maxKeyBlob:
		return q, nil, errTooBig
	}
	if k, err = key.ParsePublic(blob); err != nil {
		return q, nil, err
	}
	if !slices.Contains(k.Algorithms(), q.Algorithm) {
		return q, nil, fmt.Errorf("a key of type %s doesn't sign with %.64q", k.Type(), q.Algorithm)
	}
	return q, k, nil
}
