package sftp

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nacre-ssh/nacre/wire"
)

// pipes are both directions of a conversation.
type pipes struct {
	io.Reader
	io.Writer
}

// server starts OpenSSH's sftp-server in a new directory, which is returned.
func server(t testing.TB, args ...string) (*Client, string) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.Command("/usr/lib/openssh/sftp-server", append([]string{"-d", dir}, args...)...)
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
	t.Cleanup(func() { in.Close(); cmd.Wait() })
	c, err := NewClient(pipes{out, in})
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func TestFiles(t *testing.T) {
	c, dir := server(t)
	if err := c.Mkdir("d", 0o700); err != nil {
		t.Fatal(err)
	}
	text := bytes.Repeat([]byte("line\n"), 20_000) // several chunks
	for _, want := range [][]byte{text, text[:7], nil} {
		if err := c.ReplaceFile("d/f", want, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := c.ReadFile("d/f", len(text))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes, %v; want %d", len(got), err, len(want))
		}
		if onDisk, err := os.ReadFile(filepath.Join(dir, "d/f")); err != nil || !bytes.Equal(onDisk, want) {
			t.Fatalf("%d bytes on the disk, %v; want %d", len(onDisk), err, len(want))
		}
	}
	if err := c.Chmod("d/f", 0o640); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "d/f"))
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Fatalf("%v, %v; want 0640", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "d/*")); len(left) != 1 {
		t.Errorf("files beside it: %v", left)
	}
}

func TestRefusals(t *testing.T) {
	c, _ := server(t)
	if _, err := c.ReadFile("nothing", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if err := c.ReplaceFile("f", make([]byte, 100), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ReadFile("f", 99); err == nil {
		t.Error("a file above the cap was read")
	}
	ro, _ := server(t, "-R")
	if err := ro.ReplaceFile("f", nil, 0o600); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("read-only server: %v", err)
	}
}

// FuzzReplies has a client read whatever a server could say.
func FuzzReplies(f *testing.F) {
	packet := func(b []byte) []byte { return append(wire.AppendUint32(nil, uint32(len(b))), b...) }
	hello := packet(wire.AppendString(wire.AppendString([]byte{msgVersion, 0, 0, 0, 3}, extPosixRename), "1"))
	opened := packet(wire.AppendString([]byte{msgHandle, 0, 0, 0, 1}, "h"))
	data := packet(wire.AppendString([]byte{msgData, 0, 0, 0, 2}, "text"))
	over := packet(wire.AppendString(wire.AppendString([]byte{msgStatus, 0, 0, 0, 3, 0, 0, 0, 1}, "End of file"), ""))
	f.Add(bytes.Join([][]byte{hello, opened, data, over}, nil))
	f.Add([]byte("Welcome to this server\n"))
	f.Add(wire.AppendUint32(nil, 1<<31))
	f.Fuzz(func(t *testing.T, said []byte) {
		c, err := NewClient(pipes{bytes.NewReader(said), io.Discard})
		if err != nil {
			return
		}
		if text, err := c.ReadFile("f", 1000); err == nil && len(text) > 1000 {
			t.Errorf("%d bytes were read", len(text))
		}
	})
}
