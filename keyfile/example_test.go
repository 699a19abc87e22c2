package keyfile_test

import (
	"crypto/rand"
	"fmt"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

func Example() {
	k, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := keyfile.MarshalPrivate(k, "me@example", []byte("open sesame"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _, err = keyfile.ParsePrivate(text, nil)
	fmt.Println(err)
	again, comment, err := keyfile.ParsePrivate(text, func() ([]byte, error) { return []byte("open sesame"), nil })
	fmt.Println(key.Equal(again.Public(), k.Public()), comment, err)
	// Output:
	// private key is encrypted and no passphrase was given
	// true me@example <nil>
}
