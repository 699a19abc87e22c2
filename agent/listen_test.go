//go:build linux

package agent

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nacre-ssh/nacre/key"
)

// TestSlowClients has peers that say half a message, or don't read, hold up
// nobody, and one beyond the cap wait its turn.
func TestSlowClients(t *testing.T) {
	ctx := context.Background()
	socket := filepath.Join(t.TempDir(), "agent")
	l, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- (&Listener{Keyring: new(Memory), MaxClients: 3}).Serve(ctx, l) }()
	var slow []net.Conn
	for range 2 {
		conn, err := net.Dial("unix", socket)
		if err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte{0, 3, 0, 0, msgAddIdentity})
		slow = append(slow, conn)
	}
	for range 3 {
		c, err := Dial(ctx, socket)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Add(ctx, AddedKey{Private: newKey(t)}); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	third, err := Dial(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := third.List(ctx); err != nil {
		t.Fatal(err)
	}
	late, err := Dial(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := late.List(ctx)
		answered <- err
	}()
	slow[0].Close() // makes room
	if err := <-answered; err != nil {
		t.Error(err)
	}
	for _, c := range []interface{ Close() error }{slow[1], third, late, l} {
		c.Close()
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestOtherUsers has a process of another user turned away.
func TestOtherUsers(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("only root can be somebody else")
		return
	}
	socket := listen(t, new(Memory))
	if err := os.Chmod(socket, 0o777); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(socket); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := asNobody("ssh-add", "-l", socket); err == nil || strings.Contains(out, "no identities") {
		t.Errorf("another user is served: %v %s", err, out)
	}
}

func asNobody(program, arg, socket string) (string, error) {
	cmd := exec.Command("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, arg)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestPrivateDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "agent")
	for range 2 {
		if err := PrivateDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v %v", info, err)
	}
	if err := os.Chmod(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := PrivateDir(dir); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Error(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if err := PrivateDir(link); err == nil {
		t.Error("a symbolic link was taken for the directory")
	}
	socket := listen(t, new(Memory))
	if Stale(socket) || Stale(dir) || Stale(filepath.Join(dir, "nothing")) {
		t.Error("something that isn't stale is")
	}
	if _, err := Listen(socket); err == nil {
		t.Error("a socket was taken over")
	}
}

// TestLock has a wrong password answered late, and everything refused meanwhile.
func TestLock(t *testing.T) {
	testKeys()
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		c := serve(t, new(Memory))
		k := testKeys()[0]
		if err := c.Add(ctx, AddedKey{Private: k}); err != nil {
			t.Fatal(err)
		}
		for name, err := range map[string]error{
			"empty":  c.Lock(ctx, nil),
			"unlock": c.Unlock(ctx, []byte("password")),
		} {
			if !errors.Is(err, ErrFailure) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := c.Lock(ctx, []byte("password")); err != nil {
			t.Fatal(err)
		}
		list, err := c.List(ctx)
		if err != nil || len(list) != 0 {
			t.Errorf("%d keys are seen in a locked agent, %v", len(list), err)
		}
		for name, err := range map[string]error{
			"sign":       second(c.Sign(ctx, k.Public().Blob(), nil, 0)),
			"add":        c.Add(ctx, AddedKey{Private: k}),
			"remove":     c.Remove(ctx, k.Public().Blob()),
			"remove all": c.RemoveAll(ctx),
			"lock":       c.Lock(ctx, []byte("other")),
			"token":      c.AddToken(ctx, Token{ID: "x"}),
		} {
			if !errors.Is(err, ErrFailure) {
				t.Errorf("%s in a locked agent: %v", name, err)
			}
		}
		if _, err := c.Extensions(ctx); !errors.Is(err, ErrFailure) {
			t.Errorf("extensions of a locked agent: %v", err)
		}
		host := place{"host", newKey(t)}
		if err := c.Bind(ctx, host.proof(t, "s", true)); err != nil {
			t.Errorf("a locked agent isn't told where it is forwarded to: %v", err)
		}
		for i := 1; i <= 3; i++ {
			begin := time.Now()
			if err := c.Unlock(ctx, []byte("guess")); !errors.Is(err, ErrFailure) {
				t.Fatal(err)
			}
			if waited := time.Since(begin); waited != time.Duration(i)*delayStep {
				t.Errorf("guess %d was answered after %v", i, waited)
			}
		}
		if err := c.Unlock(ctx, []byte("password")); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Sign(ctx, k.Public().Blob(), nil, 0); err != nil {
			t.Error(err)
		}
	})
}

func TestExtensions(t *testing.T) {
	ctx := context.Background()
	c := serve(t, new(Memory))
	names, err := c.Extensions(ctx)
	if err != nil || strings.Join(names, " ") != extBind {
		t.Errorf("%q %v", names, err)
	}
	if _, err := c.Extension(ctx, "nonsense@example.com", nil); !errors.Is(err, ErrFailure) {
		t.Error(err)
	}
	token := Token{ID: "lib", Lifetime: time.Minute, Certificates: [][]byte{{1}}}
	for name, err := range map[string]error{"token": c.AddToken(ctx, token), "remove": c.RemoveToken(ctx, token)} {
		if !errors.Is(err, ErrFailure) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPageant has our client use PuTTY's agent.
func TestPageant(t *testing.T) {
	// It lives as long as the command, which lives as long as its input.
	cmd := exec.Command("pageant", "--exec", "sh", "-c", `echo "$SSH_AUTH_SOCK"; read x`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		in.Close()
		cmd.Wait()
	}()
	socket, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	socket = strings.TrimSpace(socket)
	ctx := context.Background()
	c, err := Dial(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, k := range testKeys() {
		if err := c.Add(ctx, AddedKey{Private: k, Comment: "c"}); err != nil {
			t.Fatal(err)
		}
		s := c.Signer(Identity{Key: k.Public(), Blob: k.Public().Blob()})
		for _, a := range k.Public().Algorithms() {
			signature, err := s.Sign(ctx, a, []byte("data"))
			if err != nil {
				t.Fatalf("%s: %v", a, err)
			}
			if err := k.Public().Verify(a, []byte("data"), signature); err != nil {
				t.Errorf("%s: %v", a, err)
			}
		}
	}
	list, err := c.List(ctx)
	if err != nil || len(list) != len(testKeys()) {
		t.Fatalf("%d keys, %v", len(list), err)
	}
	if err := c.Add(ctx, AddedKey{Private: newKey(t), Confirm: true}); !errors.Is(err, ErrFailure) {
		t.Errorf("a constraint that Pageant doesn't know: %v", err)
	}
	if err := c.Remove(ctx, list[0].Blob); err != nil {
		t.Error(err)
	}
	if err := c.RemoveAll(ctx); err != nil {
		t.Error(err)
	}
}

// TestShielded looks for a private key in the memory of an agent that holds it.
func TestShielded(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "agent")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), agentProcess+"="+socket, "GODEBUG=clobberfree=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Kill()
		cmd.Wait()
	}()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	c, err := Dial(ctx, socket)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const comment = "what is not secret is found"
	secrets := map[string][]byte{}
	for _, k := range testKeys() {
		if err := c.Add(ctx, AddedKey{Private: k, Comment: comment}); err != nil {
			t.Fatal(err)
		}
		for name, secret := range secretsOf(k) {
			secrets[k.Public().Type()+" "+name] = secret
		}
		if _, err := c.Sign(ctx, k.Public().Blob(), []byte("data"), FlagRSASHA256*rsaFlag(k)); err != nil {
			t.Fatal(err)
		}
	}
	memory := readMemory(t, cmd.Process.Pid)
	if !bytes.Contains(memory, []byte(comment)) {
		t.Fatal("the search finds nothing, not even the comment")
	}
	// The agent rests for a moment before it tidies up.
	left := []string{"?"}
	for deadline := time.Now().Add(20 * time.Second); len(left) > 0 && time.Now().Before(deadline); time.Sleep(scrubAfter) {
		memory, left = readMemory(t, cmd.Process.Pid), nil
		for name, secret := range secrets {
			// Of an RSA or ECDSA key the standard library keeps one copy for
			// itself, which nobody can reach.
			if n := bytes.Count(memory, secret); n > 1 || n > 0 && strings.HasSuffix(name, "seed") {
				left = append(left, fmt.Sprintf("%s: %d times", name, n))
			}
		}
	}
	if len(left) > 0 {
		t.Errorf("still in memory: %q", left)
	}
}

func rsaFlag(k *key.Private) uint32 {
	if k.Public().Type() == key.TypeRSA {
		return 1
	}
	return 0
}

// secretsOf is what a private key looks like in memory: as it is sent, and in
// words of the machine, which is little-endian.
func secretsOf(k *key.Private) map[string][]byte {
	var n *big.Int
	switch s := k.Crypto().(type) {
	case ed25519.PrivateKey:
		return map[string][]byte{"seed": s.Seed()}
	case *ecdsa.PrivateKey:
		raw, err := s.Bytes()
		if err != nil {
			panic(err)
		}
		n = new(big.Int).SetBytes(raw)
	case *rsa.PrivateKey:
		n = s.Primes[0]
	}
	big := n.Bytes()[1:] // a leading byte may be shared
	little := bytes.Clone(big)
	slices.Reverse(little)
	return map[string][]byte{"as sent": big, "in words": little}
}

// readMemory returns what a process can write to.
func readMemory(t *testing.T, pid int) (all []byte) {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	maps, err := os.ReadFile(filepath.Join(proc, "maps"))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open(filepath.Join(proc, "mem"))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	for line := range strings.Lines(string(maps)) {
		fields := strings.Fields(line)
		from, to, _ := strings.Cut(fields[0], "-")
		begin, _ := strconv.ParseUint(from, 16, 64)
		end, _ := strconv.ParseUint(to, 16, 64)
		if strings.HasPrefix(fields[1], "rw") {
			b := make([]byte, end-begin)
			n, _ := memory.ReadAt(b, int64(begin))
			all = append(all, b[:n]...)
		}
	}
	return all
}

func BenchmarkSign(b *testing.B) {
	ctx := context.Background()
	m := new(Memory)
	for _, k := range []*key.Private{testKeys()[0], testKeys()[4]} {
		if err := m.Add(ctx, AddedKey{Private: k}); err != nil {
			b.Fatal(err)
		}
		b.Run(k.Public().Type(), func(b *testing.B) {
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := m.Sign(ctx, k.Public().Blob(), []byte("data"), 0); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
