//go:build unix

package mux

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/transport"
	"github.com/nacre-ssh/nacre/wire"
)

// heirEnv makes the test program the process that a connection is handed to.
const heirEnv = "NACRE_TEST_HEIR"

// heir carries on with the connection whose socket is descriptor 3 and whose
// state and host key come on its standard input: it echoes every channel.
func heir() error {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	r := wire.NewReader(input)
	state := r.Bytes()
	host, err := key.ReadPrivate(&r)
	if err != nil {
		return err
	}
	nc, err := net.FileConn(os.NewFile(3, "connection"))
	if err != nil {
		return err
	}
	conn, err := transport.Import(nc, state, &transport.Config{HostKeys: []key.Signer{host}})
	if err != nil {
		return err
	}
	New(conn, accepting(func(ch *Channel) {
		ch.ReadFrom(struct{ io.Reader }{ch})
		ch.CloseWrite()
		ch.Close()
	})).Run() // ends when the client leaves
	return nil
}

// A connection moves to another process with a channel-open, a request and data
// for what was asked before already on the way; the new process rekeys, too.
func TestExportToAnotherProcess(t *testing.T) {
	host, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type result struct {
		conn *transport.Conn
		err  error
	}
	served := make(chan result, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			served <- result{nil, err}
			return
		}
		conn, err := transport.Server(t.Context(), nc, &transport.Config{HostKeys: []key.Signer{host}, Exportable: true})
		served <- result{conn, err}
	}()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := transport.Client(t.Context(), nc, &transport.Config{VerifyHostKey: trust, RekeyBytes: 1 << 20})
	server := <-served
	if err != nil || server.err != nil {
		t.Fatal(err, server.err)
	}

	// The last message that the old process reads, and what leaves with it.
	if err := conn.Post([]byte{wire.MsgUserauthRequest}); err != nil {
		t.Fatal(err)
	}
	conn.AuthSucceeded()
	m := New(conn, Config{})
	go m.Run()
	defer func() { m.Close(); <-m.Done() }()
	asked := make(chan error, 2)
	go func() {
		_, _, err := m.Request(t.Context(), "keepalive@openssh.com", true, nil)
		asked <- err
	}()
	opened := make(chan *Channel, 1)
	go func() {
		ch, err := m.OpenChannel(t.Context(), "session", nil, Options{})
		asked <- err
		opened <- ch
	}()
	if p, err := server.conn.Next(); err != nil || p[0] != wire.MsgUserauthRequest {
		t.Fatal(p, err)
	}
	server.conn.AuthSucceeded()
	child := adopt(t, server.conn, host)

	for range 2 {
		if err := <-asked; err != nil {
			t.Fatal(err)
		}
	}
	ch := <-opened
	sent := make([]byte, 8<<20)
	rand.Read(sent)
	go func() {
		ch.Write(sent)
		ch.CloseWrite()
	}()
	got, err := io.ReadAll(ch)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("%d of %d bytes came back: %v", len(got), len(sent), err)
	}
	m.Close()
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
}

// adopt hands a connection to a new process.
func adopt(t *testing.T, conn *transport.Conn, host *key.Private) *exec.Cmd {
	t.Helper()
	state, err := conn.Export()
	if err != nil {
		t.Fatal(err)
	}
	file, err := conn.NetConn().(*net.TCPConn).File()
	if err != nil {
		t.Fatal(err)
	}
	conn.NetConn().Close()
	defer file.Close()
	input, err := key.AppendPrivate(wire.AppendString(nil, state), host)
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), heirEnv+"=1")
	child.Stdin, child.Stderr = bytes.NewReader(input), os.Stderr
	child.ExtraFiles = []*os.File{file}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	return child
}

// beHeir plays the other process if this is it.
func beHeir() {
	if os.Getenv(heirEnv) == "" {
		return
	}
	if err := heir(); err != nil {
		fmt.Fprintln(os.Stderr, "heir:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
