package auth

import (
	"context"
	"fmt"
	"net/netip"
)

// One user, one password.
func Example() {
	client, server := newPair() // two ends of an encrypted connection
	go func() {
		policy := &rules{methods: [][]string{{"password"}}, password: permitPassword("sesame", &Permit{NoPTY: true})}
		Server(context.Background(), server, ServerConfig{Policy: policy, Remote: netip.MustParseAddr("192.0.2.7")})
	}()
	attempt := 0
	prompt := func(context.Context) (string, error) {
		attempt++
		return []string{"wrong", "sesame"}[attempt-1], nil
	}
	result, err := Client(context.Background(), client, ClientConfig{
		User:    "alice",
		Host:    "example.com",
		Methods: []ClientMethod{Password(prompt, 3)},
		Trace:   func(e Event) { fmt.Println(e) },
	})
	fmt.Println(result.Methods, err)
	// Output:
	// Refused: none
	// Authentications that can continue: password
	// Next authentication method: password
	// Refused: password
	// Authentications that can continue: password
	// Authenticated using "password".
	// [password] <nil>
}
