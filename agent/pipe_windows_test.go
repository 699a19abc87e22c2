package agent

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// useAll has a client do all that a client does.
func useAll(t *testing.T, c *Client) {
	t.Helper()
	ctx := context.Background()
	for _, k := range testKeys() {
		if err := c.Add(ctx, AddedKey{Private: k, Comment: "c"}); err != nil {
			t.Fatal(err)
		}
		s := c.Signer(Identity{Key: k.Public(), Blob: k.Public().Blob()})
		algorithm := k.Public().Algorithms()[0]
		signature, err := s.Sign(ctx, algorithm, []byte("data"))
		if err != nil {
			t.Fatal(err)
		}
		if err := k.Public().Verify(algorithm, []byte("data"), signature); err != nil {
			t.Error(err)
		}
	}
	if list, err := c.List(ctx); err != nil || len(list) != len(testKeys()) {
		t.Errorf("%d keys, %v", len(list), err)
	}
	if _, err := c.Sign(ctx, nil, make([]byte, 100_000), 0); !errors.Is(err, ErrFailure) {
		t.Errorf("a long message: %v", err)
	}
	if err := c.RemoveAll(ctx); err != nil {
		t.Error(err)
	}
}

// servePipe serves a keyring at a pipe until the test ends.
func servePipe(t *testing.T, pipe string) {
	t.Helper()
	l, err := Listen(pipe)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- (&Listener{Keyring: new(Memory)}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestWindowsPipe(t *testing.T) {
	pipe := `\\.\pipe\nacre-test-` + strconv.Itoa(os.Getpid())
	servePipe(t, pipe)
	var clients sync.WaitGroup
	for range 3 {
		c, err := Dial(context.Background(), pipe)
		if err != nil {
			t.Fatal(err)
		}
		clients.Go(func() {
			defer c.Close()
			if _, err := c.List(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	clients.Wait()
	c, err := Dial(context.Background(), pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	useAll(t, c)
}

func TestWindowsPageantPipe(t *testing.T) {
	pipe, err := PageantPipe()
	if err != nil {
		t.Fatal(err)
	}
	again, err := PageantPipe()
	hash := pipe[strings.LastIndexByte(pipe, '.')+1:]
	if b, hexErr := hex.DecodeString(hash); err != nil || again != pipe || hexErr != nil || len(b) != 32 || !strings.HasPrefix(pipe, `\\.\pipe\pageant.`) {
		t.Fatalf("%q %q %v", pipe, again, err)
	}
	servePipe(t, pipe)
	c, err := Dial(context.Background(), Pageant)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	useAll(t, c)
}

func TestWindowsPageantWindow(t *testing.T) {
	if _, err := dialPageant(); err == nil {
		t.Fatal("a window is there before the test")
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- ServePageant(ctx, new(Memory), func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	if err := ServePageant(ctx, new(Memory), nil); !errors.Is(err, ErrPageant) {
		t.Errorf("a second window: %v", err)
	}
	conn, err := dialPageant()
	if err != nil {
		t.Fatal(err)
	}
	useAll(t, NewClient(conn))
	// What is no request is not answered.
	p := conn.(*pageantConn)
	junk := []byte("no mapping of this name\x00")
	if p.post(junk) {
		t.Error("a request without a mapping was taken")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := dialPageant(); err == nil {
		t.Error("the window is still there")
	}
}
