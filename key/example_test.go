package key_test

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/nacre-ssh/nacre/key"
)

func Example() {
	private, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	data := []byte("what is signed")
	signature, err := private.Sign(context.Background(), key.TypeEd25519, data)
	if err != nil {
		fmt.Println(err)
		return
	}
	// The other side has only the blob.
	public, err := key.ParsePublic(private.Public().Blob())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(public.Type(), public.Verify(key.TypeEd25519, data, signature))
	// Output: ssh-ed25519 <nil>
}
