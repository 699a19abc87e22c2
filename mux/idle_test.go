package mux

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/transport"
)

// still is a pair of muxes inside a bubble, where time passes when nothing
// happens.
func still(t *testing.T, cc, sc Config) (client, server *Mux) {
	t.Helper()
	a, b := net.Pipe()
	served := make(chan *transport.Conn, 1)
	go func() {
		conn, err := transport.Server(t.Context(), b, &transport.Config{HostKeys: []key.Signer{hostKey()}})
		if err != nil {
			t.Error(err)
		}
		served <- conn
	}()
	conn, err := transport.Client(t.Context(), a, &transport.Config{VerifyHostKey: trust})
	if err != nil {
		t.Fatal(err)
	}
	other := <-served
	conn.AuthSucceeded()
	other.AuthSucceeded()
	client, server = New(conn, cc), New(other, sc)
	go client.Run()
	go server.Run()
	t.Cleanup(func() {
		client.Close()
		server.Close()
		<-client.Done()
		<-server.Done()
	})
	return client, server
}

// over waits for a channel's end and tells when it came.
func over(ch *Channel, since time.Time) time.Duration {
	<-ch.Done()
	return time.Since(since).Round(time.Second)
}

func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		echo := accepting(func(ch *Channel) { io.Copy(ch, ch) })
		client, _ := still(t, Config{Timeouts: []Timeout{
			{"session:shell", time.Minute}, {"session:*", 0}, {"sess*", 20 * time.Second}, {"x11-*", time.Second},
			{"direct-tcpip", 30 * time.Second}, {"direct-*", time.Second},
		}}, echo)
		open := func(typ string) *Channel {
			ch, err := client.OpenChannel(t.Context(), typ, nil, Options{})
			if err != nil {
				t.Fatal(err)
			}
			return ch
		}
		began := time.Now()
		session, direct, x11, agent := open("session"), open("direct-tcpip"), open("x11"), open("auth-agent@openssh.com")
		command, shell := open("session"), open("session")
		command.SetLabel("session:command")
		shell.SetLabel("session:shell")
		if d := over(x11, began); d != time.Second {
			t.Errorf("x11 ended after %v", d)
		}
		time.Sleep(9 * time.Second)
		if _, err := session.Write([]byte("x")); err != nil { // the answer counts as well
			t.Fatal(err)
		}
		if d := over(direct, began); d != 30*time.Second {
			t.Errorf("the first pattern that matches is not the one that counts: ended after %v", d)
		}
		if d := over(session, began); d != 30*time.Second {
			t.Errorf("10 s in use and 20 s idle, ended after %v", d)
		}
		if d := over(shell, began); d != time.Minute {
			t.Errorf("a shell ended after %v", d)
		}
		time.Sleep(time.Hour)
		for _, ch := range []*Channel{agent, command} {
			if !ch.isOpen() {
				t.Errorf("a channel without a timeout was closed: %s", ch.Type())
			}
		}
	})
}

func TestGlobalTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, server := still(t, Config{Timeouts: []Timeout{{"*", 0}, {allChannels, 10 * time.Second}}},
			accepting(func(ch *Channel) { io.Copy(io.Discard, ch) }))
		time.Sleep(time.Minute)
		began := time.Now()
		a, b := openChannel(t, client, Options{}), openChannel(t, client, Options{})
		time.Sleep(8 * time.Second)
		a.Write([]byte("x"))
		if d := over(b, began); d != 18*time.Second {
			t.Errorf("one channel ended after %v", d)
		}
		if d := over(a, began); d != 18*time.Second {
			t.Errorf("the other ended after %v", d)
		}
		if server.Err() != nil {
			t.Errorf("the connection has ended: %v", server.Err())
		}
	})
}

// A peer may take its time to close what is closed here.
func TestTimeoutIsNotHeldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs := make(chan *Channel, 1)
		client, _ := still(t, Config{Timeouts: []Timeout{{"*", time.Second}}}, accepting(func(ch *Channel) {
			ch.mu.Lock()
			ch.writers++ // it has something to say yet
			ch.mu.Unlock()
			theirs <- ch
		}))
		ch := openChannel(t, client, Options{})
		<-ch.Done()
		if err := client.AwaitIdle(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if client.open != 1 || client.abandoned != 1 {
			t.Errorf("%d channels are counted, %d of them abandoned", client.open, client.abandoned)
		}
		(<-theirs).wrote()
		synctest.Wait()
		if client.open != 0 || client.abandoned != 0 {
			t.Errorf("%d channels are counted, %d of them abandoned", client.open, client.abandoned)
		}
	})
}

func TestUnused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conf := accepting(func(ch *Channel) { io.Copy(io.Discard, ch) })
		conf.Unused = 10 * time.Second
		client, server := still(t, Config{}, conf)
		time.Sleep(9 * time.Second)
		ch := openChannel(t, client, Options{})
		time.Sleep(time.Minute)
		ch.Close()
		began := time.Now()
		<-server.Done()
		if d := time.Since(began).Round(time.Second); d != 10*time.Second || !errors.Is(server.Err(), ErrUnused) {
			t.Errorf("ended after %v: %v", d, server.Err())
		}
	})
}

// A datagram leaves whole or not at all, and the sink of Options has every one.
func TestWriteWhole(t *testing.T) {
	got := make(chan []byte, 100)
	client, _ := pair(t, Config{}, Config{Open: func(in *Incoming) {
		in.Accept(nil, Options{Sink: datagrams(got)})
	}})
	ch := openChannel(t, client, Options{})
	for n := 1; n < 100; n++ {
		if sent, err := ch.WriteWhole(bytes.Repeat([]byte{byte(n)}, 13*n)); !sent || err != nil {
			t.Fatalf("%d bytes: %v %v", 13*n, sent, err)
		}
	}
	for n := 1; n < 100; n++ {
		if b := <-got; len(b) != 13*n || b[0] != byte(n) {
			t.Fatalf("datagram %d has %d bytes", n, len(b))
		}
	}
	if sent, err := ch.WriteWhole(make([]byte, 1<<20)); sent || err != nil {
		t.Errorf("one larger than any packet: %v %v", sent, err)
	}
	ch.Close()
	if _, err := ch.WriteWhole([]byte("x")); err == nil {
		t.Error("a closed channel took one")
	}
}

type datagrams chan []byte

func (d datagrams) TryWrite(b []byte) (int, error) { return d.Write(b) }
func (d datagrams) Write(b []byte) (int, error)    { d <- bytes.Clone(b); return len(b), nil }

// What is open decides about the class of service.
func TestInteractive(t *testing.T) {
	client, server := pair(t, Config{QoS: &QoS{0xb8, 0x20}}, accepting(func(ch *Channel) { <-ch.Done() }))
	want := func(when string, interactive bool) {
		t.Helper()
		if client.Interactive() != interactive {
			t.Errorf("%s: interactive is %v", when, client.Interactive())
		}
	}
	want("nothing open", true)
	terminal := openChannel(t, client, Options{Interactive: true})
	want("a terminal", true)
	bulk := openChannel(t, client, Options{})
	want("more than a terminal", false)
	late := openChannel(t, client, Options{})
	late.SetInteractive()
	want("still more", false)
	bulk.Close()
	<-bulk.Done()
	want("two terminals", true)
	agent, err := client.OpenChannel(context.Background(), "auth-agent@openssh.com", nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want("an agent", true)
	agent.Close()
	terminal.Close()
	if server.Err() != nil {
		t.Error(server.Err())
	}
}
