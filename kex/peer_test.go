package kex

import (
	"bufio"
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/wire"
)

// The peer here is x/crypto/ssh. A bare transport carries the exchange in the
// clear, and one sealed packet each way shows that the derived keys agree.

const gcmName = "aes128-gcm@openssh.com"

// bare is just enough transport for one key exchange.
type bare struct {
	conn   net.Conn
	r      *bufio.Reader
	params Params
}

// hello exchanges versions and KEXINITs that leave one choice each.
func hello(conn net.Conn, method string, client bool) (*bare, error) {
	b := &bare{conn: conn, r: bufio.NewReader(conn)}
	own := []byte("SSH-2.0-nacre_test")
	if _, err := fmt.Fprintf(conn, "%s\r\n", own); err != nil {
		return nil, err
	}
	line, err := b.r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	theirs := []byte(strings.TrimRight(line, "\r\n"))
	init := append([]byte{wire.MsgKexInit}, make([]byte, 16)...)
	for _, names := range []string{method, "ssh-ed25519", gcmName, gcmName,
		"hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""} {
		init = wire.AppendString(init, names)
	}
	init = append(init, 0, 0, 0, 0, 0)
	if err := b.write(init); err != nil {
		return nil, err
	}
	theirInit, err := b.read()
	if err != nil {
		return nil, err
	}
	b.params = Params{ClientVersion: own, ServerVersion: theirs, ClientInit: init, ServerInit: theirInit}
	if !client {
		b.params = Params{ClientVersion: theirs, ServerVersion: own, ClientInit: theirInit, ServerInit: init}
	}
	return b, nil
}

// frame pads a payload to a multiple of block bytes, of which the first skip of
// the packet don't count.
func frame(payload []byte, block, skip int) []byte {
	pad := block - (5-skip+len(payload))%block
	if pad < 4 {
		pad += block
	}
	p := binary.BigEndian.AppendUint32(nil, uint32(1+len(payload)+pad))
	p = append(p, byte(pad))
	p = append(p, payload...)
	return append(p, make([]byte, pad)...)
}

func (b *bare) write(payload []byte) error {
	_, err := b.conn.Write(frame(payload, 8, 0))
	return err
}

func (b *bare) take(tail int) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(b.r, head[:]); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint32(head[:]))
	if n > wire.MaxPacket {
		return nil, fmt.Errorf("packet of %d bytes", n)
	}
	p := append(head[:], make([]byte, n+tail)...)
	_, err := io.ReadFull(b.r, p[4:])
	return p, err
}

func payloadOf(packet []byte) []byte {
	return packet[1 : len(packet)-int(packet[0])]
}

func (b *bare) read() ([]byte, error) {
	p, err := b.take(0)
	if err != nil {
		return nil, err
	}
	return payloadOf(p[4:]), nil
}

func gcm(r *Result, key, iv byte) (cipher.AEAD, []byte) {
	block, err := aes.NewCipher(r.Key(key, r.H, 16))
	if err != nil {
		panic(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return aead, r.Key(iv, r.H, 12)
}

// writeSealed sends the first packet of a direction.
func (b *bare) writeSealed(r *Result, key, iv byte, payload []byte) error {
	aead, nonce := gcm(r, key, iv)
	p := frame(payload, 16, 4)
	_, err := b.conn.Write(aead.Seal(p[:4:4], nonce, p[4:], p[:4]))
	return err
}

// readSealed reads the first packet of a direction.
func (b *bare) readSealed(r *Result, key, iv byte) ([]byte, error) {
	p, err := b.take(16)
	if err != nil {
		return nil, err
	}
	aead, nonce := gcm(r, key, iv)
	plain, err := aead.Open(nil, nonce, p[4:], p[:4])
	if err != nil {
		return nil, err
	}
	return payloadOf(plain), nil
}

// play runs our side to its end and exchanges NEWKEYS.
func (b *bare) play(x Exchange, sign func(h []byte) []byte) (*Result, error) {
	msg, err := x.Start()
	if err != nil {
		return nil, err
	}
	var done *Result
	for {
		if msg != nil {
			if err := b.write(msg); err != nil {
				return nil, err
			}
		}
		if done != nil {
			break
		}
		in, err := b.read()
		if err != nil {
			return nil, err
		}
		if msg, done, err = x.Step(&b.params, in); err != nil {
			return nil, err
		}
		if done != nil && sign != nil {
			msg = done.Reply(sign(done.H))
		}
	}
	if err := b.write([]byte{wire.MsgNewKeys}); err != nil {
		return nil, err
	}
	in, err := b.read()
	if err == nil && !bytes.Equal(in, []byte{wire.MsgNewKeys}) {
		err = fmt.Errorf("message %d where NEWKEYS was due", in[0])
	}
	return done, err
}

// pair returns two ends of a TCP connection, which unlike net.Pipe lets both
// sides speak first.
func pair(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if theirs, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}

func hostKey(t *testing.T) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// sharedMethods are those that x/crypto has too.
var sharedMethods = []string{
	"mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org",
	"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
	"diffie-hellman-group-exchange-sha256", "diffie-hellman-group16-sha512",
	"diffie-hellman-group14-sha256", "diffie-hellman-group14-sha1",
}

func TestSharedMethodsIsComplete(t *testing.T) {
	theirs := append(ssh.SupportedAlgorithms().KeyExchanges, ssh.InsecureAlgorithms().KeyExchanges...)
	// x/crypto takes this name without listing it.
	theirs = append(theirs, "curve25519-sha256@libssh.org")
	for _, name := range Methods() {
		if slices.Contains(theirs, name) != slices.Contains(sharedMethods, name) {
			t.Errorf("%s: the list is out of date", name)
		}
	}
}

func TestServerWithXCrypto(t *testing.T) {
	for _, method := range sharedMethods {
		t.Run(method, func(t *testing.T) {
			ours, theirs := pair(t)
			config := &ssh.ClientConfig{
				Config:          ssh.Config{KeyExchanges: []string{method}, Ciphers: []string{gcmName}},
				User:            "test",
				HostKeyCallback: ssh.FixedHostKey(hostKey(t).PublicKey()),
			}
			ended := make(chan error, 1)
			go func() {
				_, _, _, err := ssh.NewClientConn(theirs, "", config)
				theirs.Close()
				ended <- err
			}()
			if err := serveBare(ours, method, hostKey(t)); err != nil {
				ours.Close()
				t.Fatalf("%v; x/crypto says: %v", err, <-ended)
			}
		})
	}
}

// serveBare is our side as a server, up to the client's first sealed message.
func serveBare(conn net.Conn, method string, signer ssh.Signer) error {
	b, err := hello(conn, method, false)
	if err != nil {
		return err
	}
	b.params.HostKey = signer.PublicKey().Marshal()
	x, err := NewServer(method, nil, nil)
	if err != nil {
		return err
	}
	r, err := b.play(x, func(h []byte) []byte {
		signature, err := signer.Sign(nil, h)
		if err != nil {
			panic(err)
		}
		return ssh.Marshal(signature)
	})
	if err != nil {
		return err
	}
	msg, err := b.readSealed(r, 'C', 'A')
	if err == nil && !isService(msg, wire.MsgServiceRequest) {
		err = fmt.Errorf("first sealed message is %q", msg)
	}
	return err
}

func isService(msg []byte, number byte) bool {
	return bytes.Equal(msg, wire.AppendString([]byte{number}, "ssh-userauth"))
}

func TestClientWithXCrypto(t *testing.T) {
	for _, method := range sharedMethods {
		t.Run(method, func(t *testing.T) {
			ours, theirs := pair(t)
			config := &ssh.ServerConfig{
				Config:       ssh.Config{KeyExchanges: []string{method}, Ciphers: []string{gcmName}},
				NoClientAuth: true,
			}
			config.AddHostKey(hostKey(t))
			ended := make(chan error, 1)
			go func() {
				_, _, _, err := ssh.NewServerConn(theirs, config)
				theirs.Close()
				ended <- err
			}()
			if err := dialBare(ours, method); err != nil {
				ours.Close()
				t.Fatalf("%v; x/crypto says: %v", err, <-ended)
			}
		})
	}
}

// dialBare is our side as a client, up to the server's first sealed message.
func dialBare(conn net.Conn, method string) error {
	b, err := hello(conn, method, true)
	if err != nil {
		return err
	}
	x, err := NewClient(method, nil)
	if err != nil {
		return err
	}
	r, err := b.play(x, nil)
	if err != nil {
		return err
	}
	public, err := ssh.ParsePublicKey(r.HostKey)
	if err != nil {
		return err
	}
	var signature ssh.Signature
	if err := ssh.Unmarshal(r.Signature, &signature); err != nil {
		return err
	}
	if err := public.Verify(r.H, &signature); err != nil {
		return fmt.Errorf("signature over H: %w", err)
	}
	request := wire.AppendString([]byte{wire.MsgServiceRequest}, "ssh-userauth")
	if err := b.writeSealed(r, 'C', 'A', request); err != nil {
		return err
	}
	msg, err := b.readSealed(r, 'D', 'B')
	if err == nil && !isService(msg, wire.MsgServiceAccept) {
		err = fmt.Errorf("first sealed message is %q", msg)
	}
	return err
}
