package applet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/knownhosts"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/wire"
)

// Requests of PROTOCOL, section 2.5: the server lists its host keys, and proves
// those that the client doesn't know.
const (
	hostKeysRequest      = "hostkeys-00@openssh.com"
	hostKeysProveRequest = "hostkeys-prove-00@openssh.com"
)

// maxListedKeys is how many host keys a server may list, and provePatience how
// long it may take to prove them.
const (
	maxListedKeys = 64
	provePatience = time.Minute
	// settlePatience is how long the end of a session waits for an update.
	settlePatience = 2 * time.Second
)

// hostKeyUpdate is UpdateHostKeys: what the server lists comes in here, before
// there is a client to ask it with.
type hostKeyUpdate struct {
	listed chan []byte
	busy   sync.Mutex // held while the files are brought up to date
}

func newHostKeyUpdate() *hostKeyUpdate { return &hostKeyUpdate{listed: make(chan []byte, 1)} }

// global takes the server's list; only the first counts.
func (u *hostKeyUpdate) global(r *mux.GlobalRequest) {
	if r.Name == hostKeysRequest {
		select {
		case u.listed <- slices.Clone(r.Payload):
		default:
		}
	}
}

// updateHostKeys learns the server's other keys while the session runs, where
// the one it showed was known.
func (r *sshRun) updateHostKeys(c *client.Client) {
	p := r.policy
	if r.conf.UpdateHostKeys == "no" || p.trusted == nil || p.doubtful || len(r.conf.UserKnownHostsFile) == 0 {
		return
	}
	go func() {
		defer term.Rescue()
		select {
		case list := <-r.update.listed:
			r.update.busy.Lock()
			defer r.update.busy.Unlock()
			if err := p.learn(c, list); err != nil {
				r.say(config.LogDebug1, "debug1: The server's host keys are not updated: %s", term.Printable(err.Error()))
			}
		case <-c.Done():
		}
	}()
}

// settle lets an update that has begun come to its end, before the connection
// does.
func (u *hostKeyUpdate) settle(c *client.Client) {
	if len(u.listed) == 0 && u.busy.TryLock() {
		u.busy.Unlock()
		return
	}
	ended := make(chan struct{})
	go func() {
		u.busy.Lock()
		defer u.busy.Unlock()
		close(ended)
	}()
	select {
	case <-ended:
	case <-c.Done():
	case <-time.After(settlePatience):
	}
}

// learn compares the list with what is known, has the server prove what isn't,
// and writes the outcome.
func (p *hostPolicy) learn(c *client.Client, list []byte) error {
	listed, err := p.listed(list)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(listed, func(k key.Public) bool { return key.Equal(k, p.trusted) }) {
		return errors.New("its list lacks the key that it showed")
	}
	entries, err := knownhosts.Open(p.conf.UserKnownHostsFile[0]).Lookup(p.host, p.port)
	if err != nil {
		return err
	}
	var fresh, gone []key.Public
	var known []key.Public
	for _, e := range entries {
		if e.Marker != knownhosts.Plain || e.Key == nil || !ofOneHost(e.Names) {
			return fmt.Errorf("%s:%d is not about this host alone", e.File, e.Line)
		}
		known = append(known, e.Key)
		if !containsKey(listed, e.Key) {
			gone = append(gone, e.Key)
		}
	}
	for _, k := range listed {
		if !containsKey(known, k) {
			fresh = append(fresh, k)
		}
	}
	if !containsKey(known, p.trusted) || len(fresh)+len(gone) == 0 {
		return nil
	}
	if err := p.prove(c, fresh); err != nil {
		return err
	}
	return p.replace(listed, fresh, gone)
}

// ofOneHost says that a line's names hold no pattern and no second host.
func ofOneHost(names string) bool { return !strings.ContainsAny(names, "*?!,") }

func containsKey(list []key.Public, k key.Public) bool {
	return slices.ContainsFunc(list, func(other key.Public) bool { return key.Equal(other, k) })
}

// listed are the keys of a list that we would accept.
func (p *hostPolicy) listed(list []byte) ([]key.Public, error) {
	var keys []key.Public
	for r := wire.NewReader(list); r.Len() > 0; {
		blob := r.Bytes()
		if err := r.Err(); err != nil {
			return nil, err
		}
		if len(keys) == maxListedKeys {
			return nil, fmt.Errorf("it lists more than %d keys", maxListedKeys)
		}
		k, err := key.ParsePublic(blob)
		if err != nil {
			continue // of a type that isn't known here
		}
		accepted := slices.ContainsFunc(k.Algorithms(), func(a string) bool { return slices.Contains(p.conf.HostKeyAlgorithms, a) })
		if accepted && !containsKey(keys, k) && (k.Type() != key.TypeRSA || k.Bits() >= p.conf.RequiredRSASize) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// prove has the server sign for keys (PROTOCOL, section 2.5).
func (p *hostPolicy) prove(c *client.Client, keys []key.Public) error {
	if len(keys) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), provePatience)
	defer cancel()
	var ask []byte
	for _, k := range keys {
		ask = wire.AppendString(ask, k.Blob())
	}
	ok, reply, err := c.Mux.Request(ctx, hostKeysProveRequest, true, ask)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("the server doesn't prove them")
	}
	r := wire.NewReader(reply)
	for _, k := range keys {
		signature := r.Bytes()
		signed := wire.AppendString(wire.AppendString(wire.AppendString(nil, hostKeysProveRequest), c.Conn.SessionID()), k.Blob())
		if err := verifyAny(k, signed, signature); err != nil {
			return fmt.Errorf("the server does not prove its %s key: %w", short(k), err)
		}
	}
	return r.End()
}

// verifyAny verifies with whichever of the key's sound algorithms the signature
// names.
func verifyAny(k key.Public, signed, signature []byte) error {
	r := wire.NewReader(signature)
	algorithm := r.String()
	if r.Err() != nil || algorithm == key.AlgRSASHA1 || !slices.Contains(k.Algorithms(), algorithm) {
		return errors.New("its signature is of a kind that isn't accepted")
	}
	return k.Verify(algorithm, signed, signature)
}

// replace writes the proven list, after a question where that is wanted.
func (p *hostPolicy) replace(listed, fresh, gone []key.Public) error {
	level := config.LogVerbose
	if p.conf.UpdateHostKeys == "ask" {
		level = config.LogInfo
		p.run.say(level, "The server has updated its host keys.\nThese changes were verified by the server's existing trusted key.")
	}
	for _, k := range gone {
		p.run.say(level, "Deprecating obsolete hostkey: %s %s", short(k), p.fingerprint(k))
	}
	for _, k := range fresh {
		p.run.say(level, "Learned new hostkey: %s %s", short(k), p.fingerprint(k))
	}
	if p.conf.UpdateHostKeys == "ask" {
		if ok, err := term.ConfirmBy(context.Background(), p.run.ReadAnswer, "Accept updated hostkeys? (yes/no): ", ""); err != nil || !ok {
			return errors.Join(errors.New("they were not accepted"), err)
		}
	}
	_, _, err := knownhosts.Replace(p.conf.UserKnownHostsFile[0], p.host, p.port, listed, p.conf.HashKnownHosts)
	return err
}
