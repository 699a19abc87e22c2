package server

import (
	"bytes"
	"context"
	"slices"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/wire"
)

// Global requests of OpenSSH's PROTOCOL, sections 2.2 and 2.5.
const (
	noMoreSessions = "no-more-sessions@openssh.com"
	hostKeys       = "hostkeys-00@openssh.com"
	hostKeysProve  = "hostkeys-prove-00@openssh.com"
)

// globals are the global requests that are understood. All others are refused,
// keepalive@openssh.com among them, for which a refusal is the answer.
var globals = [...]struct {
	name  string
	serve func(*conn, *mux.GlobalRequest) (bool, []byte)
}{
	{noMoreSessions, (*conn).endSessions},
	{hostKeysProve, (*conn).proveHostKeys},
	{"tcpip-forward", (*conn).listenTCP},
	{"cancel-tcpip-forward", (*conn).cancelTCP},
	{"streamlocal-forward@openssh.com", (*conn).listenSocket},
	{"cancel-streamlocal-forward@openssh.com", (*conn).cancelSocket},
}

func (c *conn) global(r *mux.GlobalRequest) {
	for _, row := range globals {
		if row.name == r.Name {
			r.Reply(row.serve(c, r))
			return
		}
	}
	c.log.Debug("global request refused", "request", printable(r.Name))
	r.Reply(false, nil)
}

// endSessions only answers: mux tells with each channel whether it was asked for
// after this.
func (c *conn) endSessions(*mux.GlobalRequest) (bool, []byte) { return true, nil }

// announceHostKeys tells all of the server's keys, so that clients learn those
// that they don't know yet.
func (c *conn) announceHostKeys() {
	var b []byte
	for _, signer := range c.hostKeys {
		if cert.IsCertificate(signer.Public().Type()) {
			continue // clients remember keys; a certificate vouches for itself
		}
		b = wire.AppendString(b, signer.Public().Blob())
	}
	if len(b) == 0 {
		return
	}
	if _, _, err := c.mux.Request(context.Background(), hostKeys, false, b); err != nil {
		c.log.Debug("announcing host keys: " + err.Error())
	}
}

// proveHostKeys signs for each of the keys that the client asks about; one that
// isn't the server's fails the whole request.
func (c *conn) proveHostKeys(r *mux.GlobalRequest) (bool, []byte) {
	var reply []byte
	rest := r.Payload
	for n := 0; len(rest) > 0; n++ {
		rd := wire.NewReader(rest)
		blob := rd.Bytes()
		if rest = rd.Rest(); n == maxProofs || rd.Err() != nil {
			return false, nil
		}
		sig, ok := c.proof(blob)
		if !ok {
			return false, nil
		}
		reply = wire.AppendString(reply, sig)
	}
	return true, reply
}

func (c *conn) proof(blob []byte) ([]byte, bool) {
	i := slices.IndexFunc(c.hostKeys, func(s key.Signer) bool { return bytes.Equal(s.Public().Blob(), blob) })
	if i < 0 {
		c.log.Info("the client asks for a proof of a host key that is not ours")
		return nil, false
	}
	signer := c.hostKeys[i]
	algorithm := proofAlgorithm(signer.Public(), cert.Plain(c.tc.Negotiated().HostKey))
	prove := c.prove
	if prove == nil {
		prove = func(ctx context.Context, session []byte, k key.Public, algorithm string) ([]byte, error) {
			return signer.Sign(ctx, algorithm, ProofData(session, k))
		}
	}
	sig, err := prove(context.Background(), c.tc.SessionID(), signer.Public(), algorithm)
	if err != nil {
		c.log.Error("proving a host key: " + err.Error())
	}
	return sig, err == nil
}

// proofAlgorithm is the one of the key exchange where it is one of the key's:
// that is what OpenSSH expects of RSA keys.
func proofAlgorithm(k key.Public, negotiated string) string {
	if algorithms := k.Algorithms(); !slices.Contains(algorithms, negotiated) {
		return algorithms[0]
	}
	return negotiated
}

// ProofData is what a server signs to prove that it holds a host key.
func ProofData(session []byte, k key.Public) []byte {
	b := wire.AppendString(nil, hostKeysProve)
	b = wire.AppendString(b, session)
	return wire.AppendString(b, k.Blob())
}
