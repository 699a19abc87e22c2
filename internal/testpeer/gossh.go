package testpeer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// Go is golang.org/x/crypto/ssh, in this process. Safe for concurrent use.
type Go struct{}

// NewGo needs nothing.
func NewGo() Go { return Go{} }

// Name is "go".
func (Go) Name() string { return "go" }

// config is what client and server have in common. It panics on nothing: an
// algorithm that the library lacks makes the handshake fail.
func (Go) config(a Algorithms, everything bool, rekey int64) ssh.Config {
	var c ssh.Config
	if everything {
		safe, unsafe := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
		c.KeyExchanges = slices.Concat(safe.KeyExchanges, unsafe.KeyExchanges)
		c.Ciphers = slices.Concat(safe.Ciphers, unsafe.Ciphers)
		c.MACs = slices.Concat(safe.MACs, unsafe.MACs)
	}
	only := func(list *[]string, name string) {
		if name != "" {
			*list = []string{name}
		}
	}
	only(&c.KeyExchanges, a.Kex)
	only(&c.Ciphers, a.Cipher)
	only(&c.MACs, a.MAC)
	c.RekeyThreshold = uint64(rekey)
	return c
}

// Run implements [Client].
func (g Go) Run(ctx context.Context, at Target, s Session) (Result, error) {
	exchanges := 0
	config := &ssh.ClientConfig{
		Config: g.config(s.Algorithms, s.Everything, s.Rekey),
		User:   at.User,
		Auth:   []ssh.AuthMethod{ssh.PublicKeys(at.Identity.Signer)},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			exchanges++ // asked in each exchange
			return at.knows(key)
		},
	}
	switch {
	case s.Algorithms.HostKey != "":
		config.HostKeyAlgorithms = []string{s.Algorithms.HostKey}
	case s.Everything:
		config.HostKeyAlgorithms = slices.Concat(ssh.SupportedAlgorithms().HostKeys, ssh.InsecureAlgorithms().HostKeys)
	}
	var dialer net.Dialer
	raw, err := dialer.DialContext(ctx, "tcp", at.Addr())
	if err != nil {
		return Result{}, err
	}
	defer raw.Close()
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	conn, chans, reqs, err := ssh.NewClientConn(raw, at.Addr(), config)
	if err != nil {
		return Result{Exit: 255, Exchanges: exchanges, Log: err.Error()}, context.Cause(ctx)
	}
	client := ssh.NewClient(conn, chans, reqs)
	res, err := g.command(client, s)
	client.Close()
	client.Wait() // the callback is done, too
	res.Exchanges = exchanges
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return res, err
}

func (Go) command(client *ssh.Client, s Session) (Result, error) {
	session, err := client.NewSession()
	if err != nil {
		return Result{}, err
	}
	defer session.Close()
	var log bytes.Buffer
	session.Stdin, session.Stdout, session.Stderr = s.Stdin, s.Stdout, &log
	err = session.Run(s.Command)
	var exit *ssh.ExitError
	if errors.As(err, &exit) {
		return Result{Exit: exit.ExitStatus(), Log: log.String()}, nil
	}
	return Result{Log: log.String()}, err
}

func (t Target) knows(key ssh.PublicKey) error {
	for _, k := range t.HostKeys {
		if bytes.Equal(k.Signer.PublicKey().Marshal(), key.Marshal()) {
			return nil
		}
	}
	return fmt.Errorf("unknown %s host key", key.Type())
}

// countingSigner counts a server's key exchanges: each needs one signature.
type countingSigner struct {
	ssh.MultiAlgorithmSigner
	n *atomic.Int64
}

func (s countingSigner) SignWithAlgorithm(rand io.Reader, data []byte, algorithm string) (*ssh.Signature, error) {
	s.n.Add(1)
	return s.MultiAlgorithmSigner.SignWithAlgorithm(rand, data, algorithm)
}

func (s countingSigner) Sign(rand io.Reader, data []byte) (*ssh.Signature, error) {
	s.n.Add(1)
	return s.MultiAlgorithmSigner.Sign(rand, data)
}

// signatures are the host key algorithms that a key of type typ is offered
// with.
func signatures(typ string, o ServerOptions) []string {
	switch {
	case typ != RSA:
		return []string{typ}
	case o.Algorithms.HostKey != "":
		return []string{o.Algorithms.HostKey}
	case o.Everything:
		return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSA}
	}
	return []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}
}

// Start implements [Server].
func (g Go) Start(t TB, o ServerOptions) *Running {
	t.Helper()
	var exchanges atomic.Int64
	config := &ssh.ServerConfig{
		Config: g.config(o.Algorithms, o.Everything, o.Rekey),
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !bytes.Equal(key.Marshal(), o.Authorized.Signer.PublicKey().Marshal()) {
				return nil, errors.New("not this key")
			}
			return nil, nil
		},
	}
	for _, k := range o.HostKeys {
		signer, err := ssh.NewSignerWithAlgorithms(k.Signer.(ssh.AlgorithmSigner), signatures(k.Type, o))
		if err != nil {
			t.Fatalf("host key %s: %v", k.Type, err)
		}
		config.AddHostKey(countingSigner{signer, &exchanges})
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	log := new(transcript)
	t.Cleanup(func() {
		listener.Close()
		if t.Failed() {
			t.Logf("x/crypto/ssh server said at last:\n%s", log.tail())
		}
	})
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go g.serve(c, config, log)
		}
	}()
	return &Running{
		Target: target(t, listener.Addr().(*net.TCPAddr).Port, o),
		Log:    log.String, Exchanges: func() int { return int(exchanges.Load()) },
	}
}

func (g Go) serve(c net.Conn, config *ssh.ServerConfig, log io.Writer) {
	defer c.Close()
	conn, chans, reqs, err := ssh.NewServerConn(c, config)
	if err != nil {
		fmt.Fprintf(log, "handshake: %v\n", err)
		return
	}
	defer conn.Close()
	go ssh.DiscardRequests(reqs)
	for open := range chans {
		if open.ChannelType() != "session" {
			open.Reject(ssh.UnknownChannelType, "only sessions")
			continue
		}
		ch, reqs, err := open.Accept()
		if err != nil {
			return
		}
		go g.session(ch, reqs, log)
	}
}

// session runs the command that is asked for and refuses the rest.
func (Go) session(ch ssh.Channel, reqs <-chan *ssh.Request, log io.Writer) {
	for req := range reqs {
		var exec struct{ Command string }
		ok := req.Type == "exec" && ssh.Unmarshal(req.Payload, &exec) == nil
		if req.WantReply {
			req.Reply(ok, nil)
		}
		if ok {
			go runCommand(ch, exec.Command, log)
		}
	}
}

func runCommand(ch ssh.Channel, command string, log io.Writer) {
	defer ch.Close()
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	// Not cmd.Stdin: Wait would wait for a client that has more to say to a
	// command that has ended.
	stdin, err := cmd.StdinPipe()
	if err != nil {
		fmt.Fprintf(log, "%v\n", err)
		return
	}
	if err := cmd.Start(); err != nil {
		fmt.Fprintf(log, "%v\n", err)
		return
	}
	go func() {
		io.Copy(stdin, ch)
		stdin.Close()
	}()
	cmd.Wait()
	status := struct{ Status uint32 }{uint32(cmd.ProcessState.ExitCode())}
	ch.SendRequest("exit-status", false, ssh.Marshal(&status))
}
