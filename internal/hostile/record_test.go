package hostile

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/internal/testpeer"
	"github.com/nacre-ssh/nacre/wire"
)

var record = flag.Bool("record", false, "write what real peers send to the fuzz corpora of transport and mux")

// A tape is what a real peer sent, opened.
type tape struct {
	line     string
	messages [][]byte
}

func (tp *tape) has(n byte) bool {
	return slices.ContainsFunc(tp.messages, func(m []byte) bool { return m[0] == n })
}

// between packs the messages with numbers from low to high, each as a string.
func (tp *tape) between(low, high byte) (b []byte) {
	for _, m := range tp.messages {
		local := bytes.Contains(m, []byte(os.TempDir())) // says where it was recorded
		if m[0] >= low && m[0] <= high && len(m) < 4096 && !local {
			b = wire.AppendString(b, m)
		}
	}
	return b
}

// save writes the seeds, in the form of Go's fuzzer.
func (tp *tape) save(t *testing.T, name string) {
	t.Helper()
	if !*record {
		return
	}
	seed := func(target string, b []byte) {
		if len(b) == 0 {
			return
		}
		path := filepath.Join("..", "..", filepath.FromSlash(target), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("go test fuzz v1\n[]byte(%q)\n", b)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	seed("transport/testdata/fuzz/FuzzIdentification", []byte(tp.line+"\r\n"))
	for _, m := range tp.messages {
		switch m[0] {
		case wire.MsgKexInit:
			seed("transport/testdata/fuzz/FuzzKexInit", m)
		case wire.MsgExtInfo:
			seed("transport/testdata/fuzz/FuzzExtInfo", m)
		case wire.MsgDisconnect:
			seed("transport/testdata/fuzz/FuzzDisconnect", m)
		}
	}
	seed("transport/testdata/fuzz/FuzzFirstKex", tp.between(wire.MsgKexInit, wire.MsgKexLast))
	seed("transport/testdata/fuzz/FuzzConn", tp.between(1, 255))
	seed("mux/testdata/fuzz/FuzzMux", tp.between(wire.MsgGlobalRequest, 255))
}

// common is what all the real peers have.
var common = Offer{
	Kex:     []string{"curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256"},
	Ciphers: []string{"aes128-ctr"},
	MACs:    []string{"hmac-sha2-256"},
}

// Real clients are served by a Peer: it is understood, and what they say is what
// the fuzz targets start from.
func TestRealClients(t *testing.T) {
	hostKey, user := testpeer.NewKey(t, testpeer.Ed25519), testpeer.NewKey(t, testpeer.Ed25519)
	for _, client := range testpeer.Clients(t) {
		t.Run(client.Name(), func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			tp := new(tape)
			served := make(chan error, 1)
			go func() {
				nc, err := l.Accept()
				if err != nil {
					served <- err
					return
				}
				defer nc.Close()
				nc.SetDeadline(time.Now().Add(patience))
				served <- serve(nc, hostKey, tp)
			}()
			at := testpeer.Target{
				Host: "127.0.0.1", Port: l.Addr().(*net.TCPAddr).Port, User: testpeer.Me(t),
				Identity: user, HostKeys: []*testpeer.Key{hostKey},
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			res, err := client.Run(ctx, at, testpeer.Session{Command: "true"})
			if err != nil || res.Exit != 7 {
				t.Errorf("exit %d, %v\n%s", res.Exit, err, res.Log)
			}
			l.Close()
			if err := <-served; err != nil {
				t.Errorf("the peer: %v", err)
			}
			for _, n := range []byte{wire.MsgKexInit, 30, wire.MsgServiceRequest, wire.MsgUserauthRequest, wire.MsgChannelOpen, wire.MsgChannelRequest} {
				if !tp.has(n) {
					t.Errorf("no message %d came", n)
				}
			}
			tp.save(t, client.Name()+"-client")
		})
	}
}

// Real servers, from the other side.
func TestRealServers(t *testing.T) {
	hostKeys, user := testpeer.NewHostKeys(t), testpeer.NewKey(t, testpeer.Ed25519)
	for _, server := range testpeer.Servers(t) {
		t.Run(server.Name(), func(t *testing.T) {
			at := server.Start(t, testpeer.ServerOptions{HostKeys: hostKeys, Authorized: user})
			nc, err := net.Dial("tcp", at.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			nc.SetDeadline(time.Now().Add(patience))
			tp := new(tape)
			if err := visit(nc, at.Target, tp); err != nil {
				t.Errorf("%v", err)
			}
			for _, n := range []byte{wire.MsgKexInit, 31, wire.MsgServiceAccept, wire.MsgUserauthSuccess, wire.MsgChannelOpenConfirm, wire.MsgChannelData} {
				if !tp.has(n) {
					t.Errorf("no message %d came", n)
				}
			}
			tp.save(t, server.Name()+"-server")
		})
	}
}

func newRecorder(nc net.Conn, tp *tape) *Peer {
	return &Peer{Conn: nc, Line: "SSH-2.0-OpenSSH_9.9", Offer: common, Log: func(m []byte) { tp.messages = append(tp.messages, m) }}
}

func sshSignature(s ssh.Signer, data []byte) ([]byte, error) {
	sig, err := s.Sign(rand.Reader, data)
	if err != nil {
		return nil, err
	}
	return wire.AppendString(wire.AppendString(nil, sig.Format), sig.Blob), nil
}

// serve lets anyone in, runs nothing, and says that it ended with 7.
func serve(nc net.Conn, hostKey *testpeer.Key, tp *tape) error {
	p := newRecorder(nc, tp)
	p.Server = true
	p.HostKey = hostKey.Signer.PublicKey().Marshal()
	p.Sign = func(hash []byte, _ string) ([]byte, error) { return sshSignature(hostKey.Signer, hash) }
	if err := p.Handshake(); err != nil {
		return err
	}
	tp.line = p.Theirs
	channel := 0 // the client's number
	for {
		m, err := p.Next()
		if errors.Is(err, io.EOF) || err == nil && m[0] == wire.MsgDisconnect {
			return nil
		}
		if err == nil {
			err = p.answer(m, &channel)
		}
		if err != nil {
			return err
		}
	}
}

// answer does for one message what a server that likes everything does.
func (p *Peer) answer(m []byte, channel *int) error {
	r := wire.NewReader(m[1:])
	switch m[0] {
	case wire.MsgKexInit:
		return errors.Join(p.SendInit(), p.TakeInit(m), p.Agree(), p.NewKeys())
	case wire.MsgServiceRequest:
		return p.Send(append([]byte{wire.MsgServiceAccept}, m[1:]...))
	case wire.MsgUserauthRequest:
		r.Bytes()
		r.Bytes()
		method, signed, algorithm, blob := r.String(), r.Bool(), r.String(), r.String()
		switch {
		case method == "none":
			return p.Send(append(msg(wire.MsgUserauthFailure, "publickey,password,keyboard-interactive"), 0))
		case method == "publickey" && !signed:
			return p.Send(msg(wire.MsgUserauthPKOK, algorithm, blob))
		}
		return p.Send([]byte{wire.MsgUserauthSuccess})
	case wire.MsgGlobalRequest:
		r.Bytes()
		if r.Bool() {
			return p.Send([]byte{wire.MsgRequestFailure})
		}
	case wire.MsgChannelOpen:
		r.Bytes()
		*channel = int(r.Uint32())
		return p.Send(msg(wire.MsgChannelOpenConfirm, *channel, 0, 1<<20, 1<<15))
	case wire.MsgChannelRequest:
		r.Uint32()
		name, want := r.String(), r.Bool()
		if want {
			if err := p.Send(msg(wire.MsgChannelSuccess, *channel)); err != nil {
				return err
			}
		}
		if name == "exec" {
			return p.Send(msg(wire.MsgChannelData, *channel, "hello\n"), msg(wire.MsgChannelExtendedData, *channel, 1, "there\n"),
				msg(wire.MsgChannelRequest, *channel, "exit-status", false, 7), msg(wire.MsgChannelEOF, *channel), msg(wire.MsgChannelClose, *channel))
		}
	}
	return nil
}

// visit logs in, runs a command, begins a rekey, and leaves.
func visit(nc net.Conn, at testpeer.Target, tp *tape) error {
	p := newRecorder(nc, tp)
	if err := p.Handshake(); err != nil {
		return err
	}
	tp.line = p.Theirs
	if err := p.Send(msg(wire.MsgServiceRequest, "ssh-userauth")); err != nil {
		return err
	}
	if _, err := p.Expect(wire.MsgServiceAccept); err != nil {
		return err
	}
	request := userauth(at.User, "publickey", 1)
	request = wire.AppendString(request, at.Identity.Signer.PublicKey().Type())
	request = wire.AppendString(request, at.Identity.Signer.PublicKey().Marshal())
	sig, err := sshSignature(at.Identity.Signer, append(wire.AppendString(nil, p.SessionID), request...))
	if err != nil {
		return err
	}
	if err := p.Send(wire.AppendString(request, sig)); err != nil {
		return err
	}
	if _, err := p.Expect(wire.MsgUserauthSuccess); err != nil {
		return err
	}
	if err := p.Send(msg(wire.MsgGlobalRequest, "keepalive@openssh.com", true), msg(wire.MsgChannelOpen, "session", 0, 1<<20, 1<<15)); err != nil {
		return err
	}
	m, err := p.Expect(wire.MsgChannelOpenConfirm)
	if err != nil {
		return err
	}
	n := int(be32(m[5:]))
	if err := p.Send(msg(wire.MsgChannelRequest, n, "env", false, "LANG", "C"), msg(wire.MsgChannelRequest, n, "exec", true, "cat; echo done; exit 7")); err != nil {
		return err
	}
	if _, err := p.Expect(wire.MsgChannelSuccess); err != nil {
		return err
	}
	if err := p.Exchange(); err != nil {
		return fmt.Errorf("the rekey: %w", err)
	}
	sum := sha256.Sum256([]byte("hello"))
	if err := p.Send(msg(wire.MsgChannelData, n, fmt.Sprintf("%x\n", sum)), msg(wire.MsgChannelEOF, n)); err != nil {
		return err
	}
	if _, err := p.Expect(wire.MsgChannelClose); err != nil {
		return err
	}
	return p.Send(msg(wire.MsgChannelClose, n), msg(wire.MsgDisconnect, wire.DisconnectByApplication, "bye", ""))
}
