package kex_test

import (
	"bytes"
	"fmt"

	"github.com/nacre-ssh/nacre/kex"
)

// Both sides of one exchange, with the transport left out.
func Example() {
	params := kex.Params{
		ClientVersion: []byte("SSH-2.0-client"), ClientInit: []byte("\x14client's KEXINIT"),
		ServerVersion: []byte("SSH-2.0-server"), ServerInit: []byte("\x14server's KEXINIT"),
		HostKey: []byte("host key blob"),
	}
	client, err := kex.NewClient("curve25519-sha256", nil)
	if err != nil {
		panic(err)
	}
	server, err := kex.NewServer("curve25519-sha256", nil, nil)
	if err != nil {
		panic(err)
	}

	init, err := client.Start()
	if err != nil {
		panic(err)
	}
	_, ours, err := server.Step(&params, init)
	if err != nil {
		panic(err)
	}
	reply := ours.Reply([]byte("signature over ours.H"))
	_, theirs, err := client.Step(&params, reply)
	if err != nil {
		panic(err)
	}

	id := theirs.H // of a connection's first exchange
	fmt.Println(bytes.Equal(ours.Key('A', id, 12), theirs.Key('A', id, 12)))
	// Output: true
}
