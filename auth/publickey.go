package auth

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/wire"
)

// An Identity is a key to log in with.
type Identity struct {
	Signer key.Signer
	// Source is where the key comes from, a path or "agent", for the trace.
	Source string
	// Direct says that a signature costs nothing and disturbs nobody (an
	// unencrypted key in memory): it is sent at once, without asking first
	// whether the server would take the key, which saves a round trip.
	Direct bool
}

// A KeySource returns identities, in the order to offer them. It is asked once
// a conversation, and only when the identities of the sources before it are
// used up. Its error is traced, and the next source is asked.
type KeySource func(ctx context.Context) ([]Identity, error)

// Keys is the source of identities that are known already.
func Keys(identities ...Identity) KeySource {
	return func(context.Context) ([]Identity, error) { return identities, nil }
}

// PublicKeys is the publickey method (RFC 4252, section 7). The request is bound
// to the host key where the server knows publickey-hostbound-v00@openssh.com.
func PublicKeys(sources ...KeySource) ClientMethod { return publicKeyMethod(sources) }

type publicKeyMethod []KeySource

func (publicKeyMethod) Name() string { return methodPublicKey }

func (m publicKeyMethod) begin() attempts { return &publicKeyAttempts{sources: m} }

type publicKeyAttempts struct {
	sources []KeySource // not asked yet
	known   []Identity  // of the sources that were asked
	queue   []Identity  // still to offer in this step

	refused  [][]byte // blobs that the server refused in this step
	accepted [][]byte // blobs that earned a partial success: each counts once
	failed   []string // algorithms that failed with the key at the queue's head
}

func (a *publicKeyAttempts) renew() {
	a.queue, a.refused, a.failed = slices.Clone(a.known), nil, nil
}

func (a *publicKeyAttempts) next(ctx context.Context, d *dialogue) (verdict, error) {
	for {
		id, algorithm, err := a.head(ctx, d)
		if err != nil {
			return verdict{}, err
		}
		_, known := d.conn.PeerExt(extServerSigAlgs)
		v, err := offer(ctx, d, id, algorithm)
		if errors.Is(err, errNoSignature) {
			a.drop()
			continue
		}
		if err != nil {
			return verdict{}, err
		}
		v.key = id.Signer.Public()
		a.judge(d, v, algorithm, known)
		return v, nil
	}
}

// head returns the next identity to offer and the algorithm to offer it with.
func (a *publicKeyAttempts) head(ctx context.Context, d *dialogue) (Identity, string, error) {
	for {
		if ctx.Err() != nil {
			return Identity{}, "", ended(ctx)
		}
		if len(a.queue) == 0 {
			if len(a.sources) == 0 {
				return Identity{}, "", errSpent
			}
			a.ask(ctx, d)
			continue
		}
		id := a.queue[0]
		if algorithm := a.algorithm(d, id); algorithm != "" {
			return id, algorithm, nil
		}
		a.drop()
	}
}

func (a *publicKeyAttempts) ask(ctx context.Context, d *dialogue) {
	source := a.sources[0]
	a.sources = a.sources[1:]
	found, err := source(ctx)
	if err != nil {
		d.trace(Event{Kind: EventSkip, Method: methodPublicKey, Source: "keys", Err: err})
	}
	a.known = append(a.known, found...)
	a.queue = append(a.queue, found...)
}

func (a *publicKeyAttempts) drop() {
	a.queue, a.failed = a.queue[1:], nil
}

// Why a key is passed over, in an [EventSkip].
var (
	ErrKeySize      = errors.New("the RSA key is smaller than RequiredRSASize")
	ErrKeyAlgorithm = errors.New("no mutual signature algorithm; the server's list or PubkeyAcceptedAlgorithms leaves none for this key")
)

var (
	errNoSignature   = errors.New("no signature")
	errKeyBlobTooBig = errors.New("the key is too large to offer")
)

// algorithm chooses the signature algorithm for id, or "" to pass it over.
func (a *publicKeyAttempts) algorithm(d *dialogue, id Identity) string {
	k := id.Signer.Public()
	if holds(a.refused, k.Blob()) || holds(a.accepted, k.Blob()) {
		return ""
	}
	skip := func(err error) string {
		d.trace(Event{Kind: EventSkip, Method: methodPublicKey, Key: k, Source: id.Source, Err: err})
		return ""
	}
	if len(k.Blob()) > maxKeyBlob {
		return skip(errKeyBlobTooBig)
	}
	if tooSmall(k, d.cfg.RequiredRSASize) {
		return skip(ErrKeySize)
	}
	if algorithm := a.mutual(d, k); algorithm != "" {
		return algorithm
	}
	if len(a.failed) > 0 { // the server has seen the key and refused it
		a.refused = append(a.refused, k.Blob())
		return ""
	}
	return skip(ErrKeyAlgorithm)
}

// mutual applies server-sig-algs where there is a choice, which is RSA. A
// server that didn't send the list is offered rsa-sha2-512 first and, where our
// policy has it, ssh-rsa after a failure: a server that old knows nothing else
// (RFC 8332, section 3.3).
func (a *publicKeyAttempts) mutual(d *dialogue, k key.Public) string {
	ours := signatureAlgorithms(acceptedAlgorithms(d.cfg.PubkeyAcceptedAlgorithms), k)
	if len(k.Algorithms()) > 1 {
		list, known := d.conn.PeerExt(extServerSigAlgs)
		if known {
			ours = slices.DeleteFunc(ours, func(alg string) bool { return !peerTakes(string(list), alg) })
		} else {
			ours = forUnknownServer(ours, d.cfg.LegacyRSA)
		}
	}
	for _, algorithm := range ours {
		if !slices.Contains(a.failed, algorithm) {
			return algorithm
		}
	}
	return ""
}

// forUnknownServer keeps the best modern algorithm and ssh-rsa of ours.
func forUnknownServer(ours []string, legacy bool) []string {
	var modern, old []string
	for _, algorithm := range ours {
		if usesSHA1(algorithm) {
			old = append(old, algorithm)
		} else if len(modern) == 0 {
			modern = append(modern, algorithm)
		}
	}
	if legacy {
		return append(old, modern...)
	}
	return append(modern, old...)
}

// judge notes what became of an offer. known says whether server-sig-algs was
// there when the algorithm was chosen: it may arrive behind the first attempt,
// and an algorithm that was a guess leaves the key another chance.
func (a *publicKeyAttempts) judge(d *dialogue, v verdict, algorithm string, known bool) {
	blob := v.key.Blob()
	if v.partial {
		a.accepted = append(a.accepted, blob)
		a.drop()
		return
	}
	a.failed = append(a.failed, algorithm)
	list, knownNow := d.conn.PeerExt(extServerSigAlgs)
	guessed := !known && !(knownNow && peerTakes(string(list), algorithm))
	if !v.success && guessed && len(v.key.Algorithms()) > 1 && slices.Contains(v.methods, methodPublicKey) {
		return // head tries it again
	}
	a.refused = append(a.refused, blob)
	a.drop()
}

// offer makes one attempt: signed at once for a direct identity, else a query
// and, when the server would take the key, the signature.
func offer(ctx context.Context, d *dialogue, id Identity, algorithm string) (verdict, error) {
	k := id.Signer.Public()
	d.trace(Event{Kind: EventOffer, Method: methodPublicKey, Key: k, Algorithm: algorithm, Source: id.Source})
	if !id.Direct {
		accepted, v, err := query(ctx, d, k, algorithm)
		if err != nil || !accepted {
			return v, err
		}
		d.trace(Event{Kind: EventAccept, Method: methodPublicKey, Key: k, Algorithm: algorithm, Source: id.Source})
	}
	request, err := signedRequest(ctx, d, id.Signer, algorithm)
	if err != nil {
		if ctx.Err() != nil {
			return verdict{}, ended(ctx)
		}
		d.trace(Event{Kind: EventSkip, Method: methodPublicKey, Key: k, Algorithm: algorithm, Source: id.Source, Err: err})
		return verdict{}, errNoSignature
	}
	if err := d.request(ctx, methodPublicKey, request); err != nil {
		return verdict{}, err
	}
	v, err := d.verdict(ctx)
	if err == nil && id.Direct && (v.success || v.partial) {
		d.trace(Event{Kind: EventAccept, Method: methodPublicKey, Key: k, Algorithm: algorithm, Source: id.Source})
	}
	return v, err
}

// query asks whether the server would take the key. When it would, accepted is
// true and there is no verdict yet.
func query(ctx context.Context, d *dialogue, k key.Public, algorithm string) (accepted bool, v verdict, err error) {
	b := appendPublicKeyRequest(nil, d.cfg.User, publicKeyForm(d.conn), false, algorithm, k.Blob(), d.conn.HostKey())
	if err := d.request(ctx, methodPublicKey, b); err != nil {
		return false, verdict{}, err
	}
	kind, r, err := d.receive(ctx)
	if err != nil {
		return false, verdict{}, err
	}
	if kind != wire.MsgUserauthPKOK {
		v, err := readVerdict(kind, &r)
		if v.success {
			// Nothing was proved yet: who grants that is no server of ours.
			return false, verdict{}, protocolError("success for a key that was only asked about")
		}
		return false, v, err
	}
	return true, verdict{}, checkPKOK(&r, k, algorithm)
}

// checkPKOK holds the answer against the question. Some servers name the key's
// type, or another of its algorithms, instead of the algorithm asked about;
// as in OpenSSH that is fine, another key never is.
func checkPKOK(r *wire.Reader, k key.Public, algorithm string) error {
	named := string(r.Bytes())
	blob := r.Bytes()
	if err := r.End(); err != nil {
		return malformed("public key answer", err)
	}
	if !bytes.Equal(blob, k.Blob()) {
		return protocolError("the server accepted a key that was not offered")
	}
	if named != algorithm && named != k.Type() && !slices.Contains(k.Algorithms(), named) {
		return protocolError("the server accepted the key for an algorithm that was not offered")
	}
	return nil
}

func signedRequest(ctx context.Context, d *dialogue, signer key.Signer, algorithm string) ([]byte, error) {
	data := wire.AppendString(nil, d.conn.SessionID())
	start := len(data)
	data = appendPublicKeyRequest(data, d.cfg.User, publicKeyForm(d.conn), true, algorithm, signer.Public().Blob(), d.conn.HostKey())
	signature, err := signer.Sign(ctx, algorithm, data)
	if err != nil {
		return nil, err
	}
	return wire.AppendString(slices.Clone(data[start:]), signature), nil
}

// publicKeyForm is the name under which this server takes keys.
func publicKeyForm(conn Conn) string {
	if v, ok := conn.PeerExt(extHostbound); ok && string(v) == "0" {
		return methodHostbound
	}
	return methodPublicKey
}

func holds(blobs [][]byte, blob []byte) bool {
	return slices.ContainsFunc(blobs, func(b []byte) bool { return bytes.Equal(b, blob) })
}
