package knownhosts_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/knownhosts"
)

func Example() {
	dir, err := os.MkdirTemp("", "knownhosts")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, ".ssh", "known_hosts")
	host, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	presented := host.Public()

	db := knownhosts.Open(path)
	var unknown *knownhosts.UnknownError
	if err := db.Check("example.com", 22, nil, presented); errors.As(err, &unknown) {
		fmt.Println("first contact with", unknown.Host)
		err = knownhosts.Add(path, "example.com", 22, presented, false)
		fmt.Println(err)
	}
	fmt.Println(db.Check("example.com", 22, nil, presented))
	// Output:
	// first contact with example.com
	// <nil>
	// <nil>
}
