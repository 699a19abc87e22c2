package agent_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/key"
)

func Example() {
	ctx := context.Background()
	k, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	ours, theirs := net.Pipe()
	done := make(chan error)
	go func() { done <- agent.Serve(ctx, theirs, new(agent.Memory)) }()

	c := agent.NewClient(ours) // agent.Dial for one behind a socket
	fmt.Println(c.Add(ctx, agent.AddedKey{Private: k, Comment: "work"}))
	identities, err := c.List(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, id := range identities {
		signature, err := c.Signer(id).Sign(ctx, key.TypeEd25519, []byte("data"))
		fmt.Println(id.Comment, err, id.Key.Verify(key.TypeEd25519, []byte("data"), signature))
	}
	c.Close()
	fmt.Println(<-done)
	// Output:
	// <nil>
	// work <nil> <nil>
	// <nil>
}
