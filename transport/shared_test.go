package transport

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

// What would reach the connection that is shared ends this one, and no word of
// ours about that is sent.
func TestSharedRefuses(t *testing.T) {
	for _, msg := range []byte{wire.MsgUnimplemented, wire.MsgServiceRequest, wire.MsgKexInit, wire.MsgNewKeys, wire.MsgKexFirst, wire.MsgUserauthRequest, wire.MsgPing} {
		here, there := net.Pipe()
		c := Shared(here, Quirks{}, &Config{})
		said := make(chan []byte)
		go func() {
			there.Write([]byte{0, 0, 0, 3, 0, wire.MsgIgnore, 0, 0, 0, 0, 3, 0, wire.MsgGlobalRequest, 'x', 0, 0, 0, 2, 0, msg})
			b, _ := io.ReadAll(there)
			said <- b
		}()
		p, err := c.Next()
		if err != nil || !bytes.Equal(p, []byte{wire.MsgGlobalRequest, 'x'}) {
			t.Fatalf("%q, %v", p, err)
		}
		var gone *DisconnectError
		if _, err := c.Next(); !errors.As(err, &gone) {
			t.Errorf("message %d: %v", msg, err)
		}
		here.Close()
		if b := <-said; len(b) > 0 {
			t.Errorf("message %d: it says %q", msg, b)
		}
	}
}

// OpenSSH's clients take no packet shorter than nine bytes.
func TestSharedShortest(t *testing.T) {
	here, there := net.Pipe()
	c := Shared(here, Quirks{}, &Config{})
	go c.Send([]byte{wire.MsgRequestSuccess})
	b := make([]byte, 9)
	if _, err := io.ReadFull(there, b); err != nil || !bytes.Equal(b, []byte{0, 0, 0, 5, 0, wire.MsgRequestSuccess, 0, 0, 0}) {
		t.Errorf("%q, %v", b, err)
	}
	c.Close()
	there.Close()
}
