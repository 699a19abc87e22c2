package testpeer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// The harness is checked by the peers themselves: each of them against OpenSSH
// or, for OpenSSH, against Dropbear.

func TestClients(t *testing.T) {
	identity, hostKeys := NewKey(t, Ed25519), NewHostKeys(t)
	opt := ServerOptions{HostKeys: hostKeys, Authorized: identity, Everything: true}
	openssh, dropbear := NewOpenSSH(t).Start(t, opt), NewDropbear(t).Start(t, opt)
	for _, c := range Clients(t) {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			at := openssh.Target
			if c.Name() == "openssh" {
				at = dropbear.Target
			}
			exitStatus(t, c, at)
			transfer(t, c, at, 3<<20)
			offersSomething(t, c.Name()+"-client", func() (Offer, error) { return ClientOffer(t, c, identity, Session{Everything: true}) })
		})
	}
}

func TestServers(t *testing.T) {
	identity, hostKeys := NewKey(t, Ed25519), NewHostKeys(t)
	opt := ServerOptions{HostKeys: hostKeys, Authorized: identity, Everything: true, Rekey: 3 << 20}
	client := NewOpenSSH(t)
	for _, s := range Servers(t) {
		t.Run(s.Name(), func(t *testing.T) {
			t.Parallel()
			r := s.Start(t, opt)
			exitStatus(t, client, r.Target)
			before := r.Exchanges()
			transfer(t, client, r.Target, 0)
			if after := r.Exchanges(); before != -1 && after-before < 2 {
				t.Errorf("the server had %d key exchanges, want 2 and more", after-before)
			}
			offersSomething(t, s.Name()+"-server", func() (Offer, error) { return ServerOffer(r.Target) })
		})
	}
}

// session runs one, which begin makes. Peers hang with each other once in a few
// hundred sessions, under load: one that does is begun again, once.
func session(t *testing.T, c Client, at Target, begin func() Session) Result {
	t.Helper()
	for first := true; ; first = false {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		res, err := c.Run(ctx, at, begin())
		cancel()
		if first && errors.Is(err, context.DeadlineExceeded) {
			t.Logf("once more: %v", err)
			continue
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, res.Log)
		}
		return res
	}
}

func exitStatus(t *testing.T, c Client, at Target) {
	t.Helper()
	var out *strings.Builder
	res := session(t, c, at, func() Session {
		out = new(strings.Builder)
		return Session{Command: "echo hello; exit 7", Stdout: out}
	})
	if res.Exit != 7 || out.String() != "hello\n" {
		t.Fatalf("exit %d, output %q, want 7, hello\n%s", res.Exit, out.String(), res.Log)
	}
}

// transfer sends 8 MiB through cat.
func transfer(t *testing.T, c Client, at Target, rekey int64) {
	t.Helper()
	const size = 8 << 20
	var in *Payload
	var out *Sink
	res := session(t, c, at, func() Session {
		in, out = NewPayload(size, 7), new(Sink)
		return Session{Command: "cat", Stdin: in, Stdout: out, Rekey: rekey}
	})
	if res.Exit != 0 || out.N != size || out.Sum() != in.Sum() {
		t.Fatalf("exit %d, %d bytes, sum is right: %v\n%s", res.Exit, out.N, out.Sum() == in.Sum(), res.Log)
	}
	if rekey != 0 && res.Exchanges != -1 && res.Exchanges < 2 {
		t.Errorf("the client had %d key exchanges, want 2 and more\n%s", res.Exchanges, res.Log)
	}
}

func offersSomething(t *testing.T, name string, ask func() (Offer, error)) {
	t.Helper()
	o, err := ask()
	if err != nil {
		t.Fatal(err)
	}
	if len(o.Kex) == 0 || len(o.Cipher) == 0 || len(o.MAC) == 0 || len(o.HostKey) == 0 {
		t.Errorf("offer lacks something: %+v", o)
	}
	save(t, name, o)
}
