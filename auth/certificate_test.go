package auth

import (
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
