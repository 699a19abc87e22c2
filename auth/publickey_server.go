package auth

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// Why a key was refused, for the trace.
var (
	errAlgorithm = errors.New("signature algorithm is not accepted")
	errMismatch  = errors.New("the key can't sign with the algorithm named")
	errUsed      = errors.New("the key was used for an earlier step already")
	errHostKey   = errors.New("the signature is bound to another host key")
	errTooBig    = errors.New("key or signature is too large")
	errAbandoned = errors.New("the conversation was abandoned")
)

// keyRequest are the fields of a publickey request. The slices are parts of the
// message.
type keyRequest struct {
	form      string // publickey or its hostbound variant
	signed    bool
	algorithm string
	blob      []byte
	hostKey   []byte // hostbound only
	signature []byte
}

func servePlainKey(ctx context.Context, s *session, r *wire.Reader) (outcome, error) {
	return serveKey(ctx, s, r, methodPublicKey)
}

func serveHostboundKey(ctx context.Context, s *session, r *wire.Reader) (outcome, error) {
	return serveKey(ctx, s, r, methodHostbound)
}

// serveKey answers a query, or checks a signature (RFC 4252, section 7). Only a
// signature earns a permit, and it is the permit that the account returned for
// this very request.
func serveKey(ctx context.Context, s *session, r *wire.Reader, form string) (outcome, error) {
	q, err := readKeyRequest(r, form)
	if err != nil {
		return outcome{}, err
	}
	k, err := s.admit(q)
	if err != nil {
		return outcome{why: err, algorithm: q.algorithm}, nil
	}
	o := outcome{key: k, algorithm: q.algorithm}
	permit, err := s.account.PublicKey(ctx, k, q.algorithm)
	if err != nil || permit == nil {
		o.why = err
		return o, nil
	}
	if !q.signed {
		return s.answerQuery(ctx, o, permit, q)
	}
	if o.why = s.verify(k, q, permit); o.why == nil {
		o.permit = permit
	}
	return o, nil
}

func readKeyRequest(r *wire.Reader, form string) (keyRequest, error) {
	q := keyRequest{form: form}
	q.signed = r.Bool()
	algorithm := r.Bytes()
	q.blob = r.Bytes()
	if form == methodHostbound {
		q.hostKey = r.Bytes()
	}
	if q.signed {
		q.signature = r.Bytes()
	}
	if err := r.End(); err != nil {
		return q, malformed("public key request", err)
	}
	q.algorithm = string(algorithm[:min(len(algorithm), maxName)])
	return q, nil
}

// admit does what needs no account: sizes, the accepted algorithms, the host
// key's binding, the key itself, and that its type fits the algorithm.
func (s *session) admit(q keyRequest) (key.Public, error) {
	if len(q.blob) > maxKeyBlob || len(q.signature) > maxSignature {
		return nil, errTooBig
	}
	if !s.accepts(q.algorithm) {
		return nil, errAlgorithm
	}
	if q.form == methodHostbound && !bytes.Equal(q.hostKey, s.conn.HostKey()) {
		return nil, errHostKey
	}
	parse := s.cfg.ParseKey
	if parse == nil {
		parse = key.ParsePublic
	}
	k, err := parse(bytes.Clone(q.blob))
	if err != nil {
		return nil, err
	}
	switch {
	case !slices.Contains(k.Algorithms(), q.algorithm):
		return nil, errMismatch
	case tooSmall(k, s.cfg.RequiredRSASize):
		return nil, ErrKeySize
	case holds(s.used, cert.PlainKey(k).Blob()):
		return nil, errUsed
	}
	return k, nil
}

// answerQuery says that the key asked about would do, if it would here and now:
// nobody should touch a security key in vain.
func (s *session) answerQuery(ctx context.Context, o outcome, permit *Permit, q keyRequest) (outcome, error) {
	if _, o.why = s.sum(permit); o.why != nil {
		return o, nil
	}
	b := wire.AppendString([]byte{wire.MsgUserauthPKOK}, q.algorithm)
	b = wire.AppendString(b, q.blob)
	if err := s.send(ctx, b); err != nil {
		return outcome{}, err
	}
	s.trace(Event{Kind: EventAccept, User: s.user, Method: methodPublicKey, Key: o.key, Algorithm: o.algorithm})
	o.answered = true
	return o, nil
}

// verify checks the signature over a blob that is built here, from what this
// side knows of the session and the user. Whether a security key must have been
// touched is for the permit to say.
func (s *session) verify(k key.Public, q keyRequest, permit *Permit) error {
	data := wire.AppendString(nil, s.conn.SessionID())
	data = appendPublicKeyRequest(data, s.user, q.form, true, q.algorithm, q.blob, s.conn.HostKey())
	if sk, ok := cert.PlainKey(k).(securityKey); ok {
		flags, _, err := sk.VerifySK(cert.Plain(q.algorithm), data, q.signature)
		if err != nil {
			return err
		}
		return permit.checkTouch(flags)
	}
	return k.Verify(q.algorithm, data, q.signature)
}

// A securityKey tells what its holder did for a signature; *key.SK is one.
type securityKey interface {
	VerifySK(algorithm string, data, signature []byte) (flags byte, counter uint32, err error)
}
