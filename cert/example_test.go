package cert_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
)

// An authority signs a certificate for an hour, and a server judges it.
func ExampleVerify() {
	ca, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		panic(err)
	}
	user, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	c, err := cert.Sign(context.Background(), ca, "", cert.Contents{
		Key: user.Public(), Kind: cert.User, KeyID: "alice's laptop", Principals: []string{"alice"},
		ValidAfter: uint64(now.Unix()) - 60, ValidBefore: uint64(now.Unix()) + 3600,
		Critical:   []cert.Option{cert.TextOption(cert.SourceAddress, "192.0.2.0/24")},
		Extensions: []cert.Option{{Name: "permit-pty"}},
	})
	if err != nil {
		panic(err)
	}
	shown, err := cert.Parse(c.Blob())
	if err != nil {
		panic(err)
	}
	use := cert.Use{
		Kind: cert.User, Principal: "alice", Now: now, Source: netip.MustParseAddr("192.0.2.7"),
		Authority: func(k key.Public) bool { return key.Equal(k, ca.Public()) },
	}
	grant, err := cert.Verify(shown, use)
	fmt.Println(grant.PTY, grant.PortForwarding, err)
	use.Principal = "mallory"
	_, err = cert.Verify(shown, use)
	fmt.Println(err)
	// Output:
	// true false <nil>
	// certificate is not for this name
}
