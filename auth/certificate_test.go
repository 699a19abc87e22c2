package auth

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
)

// A certificate permits what its extensions say and nothing else.
func TestCertificatePermit(t *testing.T) {
	bare := CertificatePermit(&cert.Grant{})
	if !bare.NoPTY || !bare.NoPortForward || !bare.NoAgent || !bare.NoX11 || !bare.NoUserRC || bare.Sources != nil || bare.NoTouchRequired {
		t.Errorf("without extensions: %+v", bare)
	}
	full := CertificatePermit(&cert.Grant{
		PTY: true, PortForwarding: true, AgentForwarding: true, X11Forwarding: true, UserRC: true, NoTouchRequired: true, VerifyRequired: true,
		ForceCommand: "date", Sources: []string{"192.0.2.0/24"}, Expires: time.Unix(2000, 0),
	})
	if full.NoPTY || full.NoPortForward || full.NoAgent || full.NoX11 || full.NoUserRC || full.ForceCommand != "date" || !full.NoTouchRequired || !full.VerifyRequired {
		t.Errorf("with every extension: %+v", full)
	}
	for _, test := range []struct {
		addr string
		now  int64
		want error
	}{{"192.0.2.1", 1000, nil}, {"192.0.3.1", 1000, ErrSource}, {"192.0.2.1", 2000, ErrExpired}} {
		if err := full.Check(netip.MustParseAddr(test.addr), "", time.Unix(test.now, 0)); !errors.Is(err, test.want) {
			t.Errorf("from %s at %d: %v", test.addr, test.now, err)
		}
	}
	// A line of a file adds to a certificate's restrictions.
	sum, err := Merge(&Permit{NoPTY: true}, full)
	if err != nil || !sum.NoPTY || sum.NoTouchRequired || !sum.VerifyRequired || sum.ForceCommand != "date" {
		t.Errorf("merged: %+v, %v", sum, err)
	}
	if _, err := Merge(&Permit{ForceCommand: "ls"}, full); !errors.Is(err, ErrForcedCommands) {
		t.Errorf("two commands: %v", err)
	}
}

// A certificate lets in who holds its key, where certificates are read at all,
// and counts as one key with the plain one.
func TestCertificateOfAKey(t *testing.T) {
	a, thief := ed(t, "a"), ed(t, "thief")
	c, err := cert.Sign(t.Context(), ed(t, "authority"), "", cert.Contents{
		Key: a.Public(), Kind: cert.User, Principals: []string{"alice"}, ValidBefore: cert.Forever,
	})
	if err != nil {
		t.Fatal(err)
	}
	const plain = "ssh-ed25519"
	algorithm := cert.CertifiedAlgorithm(plain)
	holder, err := cert.NewSigner(c, a)
	if err != nil {
		t.Fatal(err)
	}
	anyA := func(k key.Public, _ string) (*Permit, error) {
		if !key.Equal(cert.PlainKey(k), a.Public()) {
			return nil, nil
		}
		return &Permit{}, nil
	}
	certified := signedWith(t, "alice", methodPublicKey, holder, algorithm, nil)
	for _, test := range []struct {
		name  string
		parse func([]byte) (key.Public, error)
		steps []string
		lines [][]byte
		ok    bool
	}{
		{"holder", cert.ParsePublic, []string{"publickey"}, [][]byte{certified}, true},
		{"certificates are not read", nil, []string{"publickey"}, [][]byte{certified}, false},
		{"somebody else", cert.ParsePublic, []string{"publickey"}, [][]byte{signedWith(t, "alice", methodPublicKey, shownBy{thief, c}, algorithm, nil)}, false},
		{"under the plain name", cert.ParsePublic, []string{"publickey"}, [][]byte{signedWith(t, "alice", methodPublicKey, shownBy{a, c}, plain, nil)}, false},
		{"plain key, then certificate", cert.ParsePublic, []string{"publickey", "publickey"},
			[][]byte{signedWith(t, "alice", methodPublicKey, a, plain, nil), certified}, false},
		{"certificate, then plain key", cert.ParsePublic, []string{"publickey", "publickey"},
			[][]byte{certified, signedWith(t, "alice", methodPublicKey, a, plain, nil)}, false},
	} {
		policy := &rules{methods: [][]string{test.steps}, key: anyA}
		_, res, err := serve(t, ServerConfig{Policy: policy, ParseKey: test.parse}, append([][]byte{serviceRequest()}, test.lines...)...)
		if (res != nil && err == nil) != test.ok {
			t.Errorf("%s: %+v, %v", test.name, res, err)
		}
	}
}

// shownBy shows a certificate and signs with whatever key.
type shownBy struct {
	key.Signer
	certificate *cert.Certificate
}

func (s shownBy) Public() key.Public { return s.certificate }

func (s shownBy) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	return s.Signer.Sign(ctx, cert.Plain(algorithm), data)
}

// A signature without a touch, or without a PIN where one is due, is no
// signature.
func TestCheckTouch(t *testing.T) {
	const present, verified = key.SKUserPresent, key.SKUserVerified
	for _, test := range []struct {
		permit Permit
		flags  byte
		want   error
	}{
		{Permit{}, present, nil},
		{Permit{}, 0, ErrNotTouched},
		{Permit{}, verified, ErrNotTouched},
		{Permit{NoTouchRequired: true}, 0, nil},
		{Permit{VerifyRequired: true}, present, ErrNotVerified},
		{Permit{VerifyRequired: true}, present | verified, nil},
		{Permit{VerifyRequired: true, NoTouchRequired: true}, 0, ErrNotVerified},
	} {
		if err := test.permit.checkTouch(test.flags); !errors.Is(err, test.want) {
			t.Errorf("%+v with flags %#x: %v", test.permit, test.flags, err)
		}
	}
}
