package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"

	xssh "golang.org/x/crypto/ssh"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/transport"
)

const gib = 1 << 30

// A usage is what one process spent on a transfer.
type usage struct {
	CPU    float64 // seconds
	Allocs uint64
}

// memRole is a process that moves one GiB: the server of an engine receives it,
// the client sends it.
func memRole(engine, role, addr string) error {
	debug.SetGCPercent(400)
	var before, after runtime.MemStats
	var cpu float64
	begin := func() {
		runtime.ReadMemStats(&before)
		cpu = ownCPU()
	}
	var err error
	switch engine + " " + role {
	case "nacre receive":
		err = nacreReceive(begin)
	case "nacre send":
		err = nacreSend(addr, begin)
	case "x/crypto receive":
		err = xReceive(begin)
	case "x/crypto send":
		err = xSend(addr, begin)
	default:
		err = errors.New("unknown role")
	}
	if err != nil {
		return err
	}
	cpu = ownCPU() - cpu
	runtime.ReadMemStats(&after)
	return json.NewEncoder(os.Stdout).Encode(usage{cpu, after.Mallocs - before.Mallocs})
}

// listen prints the address that the sender is to call.
func listen() (net.Conn, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	fmt.Println(l.Addr())
	return l.Accept()
}

// A tally is a Sink that counts.
type tally struct {
	n    int64
	done chan struct{}
}

func (t *tally) TryWrite(b []byte) (int, error) { return t.Write(b) }
func (t *tally) Write(b []byte) (int, error) {
	if t.n += int64(len(b)); t.n == gib {
		close(t.done)
	}
	return len(b), nil
}

func gcm() transport.Algorithms {
	return transport.Algorithms{Ciphers: []string{"aes128-gcm@openssh.com"}}
}

func nacreReceive(begin func()) error {
	nc, err := listen()
	if err != nil {
		return err
	}
	host, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		return err
	}
	conn, err := transport.Server(context.Background(), nc, &transport.Config{Algorithms: gcm(), HostKeys: []key.Signer{host}})
	if err != nil {
		return err
	}
	conn.AuthSucceeded()
	sink := &tally{done: make(chan struct{})}
	m := mux.New(conn, mux.Config{Open: func(in *mux.Incoming) {
		if ch, err := in.Accept(nil, mux.Options{}); err == nil {
			ch.SetSink(sink)
			<-sink.done
			ch.Close()
		}
	}})
	begin()
	if err := m.Run(); sink.n != gib {
		return fmt.Errorf("%d bytes came: %w", sink.n, err)
	}
	return nil
}

func nacreSend(addr string, begin func()) error {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	conn, err := transport.Client(context.Background(), nc, &transport.Config{Algorithms: gcm(),
		VerifyHostKey: func(context.Context, key.Public) error { return nil }})
	if err != nil {
		return err
	}
	conn.AuthSucceeded()
	m := mux.New(conn, mux.Config{})
	go m.Run()
	ch, err := m.OpenChannel(context.Background(), "session", nil, mux.Options{})
	if err != nil {
		return err
	}
	begin()
	if err := fill(ch); err != nil {
		return err
	}
	<-ch.Done()
	return m.Close()
}

// fill writes a GiB from memory.
func fill(w io.Writer) error {
	chunk := make([]byte, 256<<10)
	for sent := 0; sent < gib; sent += len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			return err
		}
	}
	return nil
}

func xConfig() xssh.Config { return xssh.Config{Ciphers: []string{"aes128-gcm@openssh.com"}} }

func xReceive(begin func()) error {
	nc, err := listen()
	if err != nil {
		return err
	}
	host, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	if err != nil {
		return err
	}
	signer, err := xssh.NewSignerFromSigner(host.Crypto())
	if err != nil {
		return err
	}
	cfg := &xssh.ServerConfig{Config: xConfig(), NoClientAuth: true}
	cfg.AddHostKey(signer)
	_, channels, requests, err := xssh.NewServerConn(nc, cfg)
	if err != nil {
		return err
	}
	go xssh.DiscardRequests(requests)
	ch, chRequests, err := (<-channels).Accept()
	if err != nil {
		return err
	}
	go xssh.DiscardRequests(chRequests)
	begin()
	buf := make([]byte, 256<<10)
	for got := 0; got < gib; {
		n, err := ch.Read(buf)
		if err != nil {
			return err
		}
		got += n
	}
	return ch.Close()
}

func xSend(addr string, begin func()) error {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	conn, channels, requests, err := xssh.NewClientConn(nc, addr, &xssh.ClientConfig{Config: xConfig(), HostKeyCallback: xssh.InsecureIgnoreHostKey()})
	if err != nil {
		return err
	}
	client := xssh.NewClient(conn, channels, requests)
	ch, chRequests, err := client.OpenChannel("session", nil)
	if err != nil {
		return err
	}
	begin()
	if err := fill(ch); err != nil {
		return err
	}
	for range chRequests {
	}
	return client.Close()
}

// self is this binary.
func self() string {
	path, err := os.Executable()
	exit(err)
	return path
}

// memRun runs the two processes of an engine once.
func memRun(engine string) (receiver, sender usage, err error) {
	rc := exec.Command(self(), "-role", "mem", engine, "receive")
	rc.Stderr = os.Stderr
	out, err := rc.StdoutPipe()
	if err != nil {
		return receiver, sender, err
	}
	if err := rc.Start(); err != nil {
		return receiver, sender, err
	}
	lines := bufio.NewReader(out)
	addr, err := lines.ReadString('\n')
	if err != nil {
		return receiver, sender, fmt.Errorf("receiver: %w", err)
	}
	sc := exec.Command(self(), "-role", "mem", engine, "send", addr[:len(addr)-1])
	sc.Stderr = os.Stderr
	sent, err := sc.Output()
	if err != nil {
		return receiver, sender, fmt.Errorf("sender: %w", err)
	}
	if err := json.NewDecoder(lines).Decode(&receiver); err != nil {
		return receiver, sender, fmt.Errorf("receiver: %w", err)
	}
	return receiver, sender, errors.Join(json.Unmarshal(sent, &sender), rc.Wait())
}

// memRow compares the engines with nothing but memory at both ends.
func memRow(b *bench) error {
	var ours, theirs struct{ rx, tx, rxAllocs, txAllocs []float64 }
	for range b.runs {
		for _, e := range []struct {
			name string
			to   *struct{ rx, tx, rxAllocs, txAllocs []float64 }
		}{{"nacre", &ours}, {"x/crypto", &theirs}} {
			rx, tx, err := memRun(e.name)
			if err != nil {
				return err
			}
			e.to.rx, e.to.tx = append(e.to.rx, rx.CPU), append(e.to.tx, tx.CPU)
			e.to.rxAllocs, e.to.txAllocs = append(e.to.rxAllocs, float64(rx.Allocs)), append(e.to.txAllocs, float64(tx.Allocs))
		}
	}
	b.row("memory → network → memory: receiver", "CPU-s/GiB", median(ours.rx), "x/crypto", median(theirs.rx), atMost(0.55).or(atMostTimes("0.40", 0.40)))
	b.row("memory → network → memory: sender", "CPU-s/GiB", median(ours.tx), "x/crypto", median(theirs.tx), atMost(0.45).or(atMostTimes("0.75", 0.75)))
	b.row("memory → network → memory: receiver", "allocs/GiB", median(ours.rxAllocs), "x/crypto", median(theirs.rxAllocs), below(1000))
	b.row("memory → network → memory: sender", "allocs/GiB", median(ours.txAllocs), "x/crypto", median(theirs.txAllocs), below(1000))
	return nil
}
