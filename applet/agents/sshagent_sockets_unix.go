//go:build unix

package agents

import (
	"crypto/rand"
	"crypto/sha512"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
)

// An agentSocket is where an agent listens.
type agentSocket struct {
	net.Listener
	path string // "" for one that was handed over
	dir  string // to remove at the end; ""
}

func (s *agentSocket) remove() {
	if s.dir != "" {
		os.Remove(s.dir)
	}
}

const (
	hostHash   = 10 // letters of it in a socket's name
	randomPart = 10
	// freshSocket is how long a socket is left alone: its agent may be about
	// to listen.
	freshSocket = time.Hour
	socketChars = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// openSocket makes the socket that the command line asks for; parent is the
// process that the user started.
func (l *agentLine) openSocket(e *door.Env, parent int) (*agentSocket, error) {
	switch {
	case l.socket == "" && len(l.command) == 0 && (l.debug || l.foreground) && e.Getenv("LISTEN_PID") != "" && e.Getenv("LISTEN_FDS") != "":
		return handedSocket(e)
	case l.socket != "":
		return listenAt(l.socket, "")
	case l.inTemp:
		return tempSocket(fmt.Sprintf("agent.%d", parent))
	}
	return l.homeSocket()
}

func listenAt(path, dir string) (*agentSocket, error) {
	listener, err := agent.Listen(path)
	if err != nil {
		if dir != "" {
			os.Remove(dir)
		}
		return nil, err
	}
	return &agentSocket{listener, path, dir}, nil
}

// tempSocket makes a directory for this user alone and the socket in it.
func tempSocket(name string) (*agentSocket, error) {
	dir, err := os.MkdirTemp("", "ssh-") // mode 0700
	if err != nil {
		return nil, err
	}
	return listenAt(filepath.Join(dir, name), dir)
}

// homeSocket makes ~/.ssh/agent/s.HOST.agent.RANDOM, where sandboxes that hide
// the home directory don't let in whoever finds the way to /tmp.
func (l *agentLine) homeSocket() (*agentSocket, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, errors.New("Couldn't determine home directory") //lint:ignore ST1005 as ssh-agent says it
	}
	dir, err := socketDir(home)
	if err != nil {
		return nil, err
	}
	if !l.noTidy {
		tidySockets(dir, false)
	}
	for range 10 {
		s, err := listenAt(filepath.Join(dir, "s."+hostLetters()+".agent."+randomLetters(randomPart)), "")
		if !errors.Is(err, syscall.EADDRINUSE) {
			return s, err
		}
	}
	return nil, fmt.Errorf("no free name for a socket in %s", dir)
}

// socketDir is ~/.ssh/agent, made where it isn't.
func socketDir(home string) (string, error) {
	ssh := filepath.Join(home, ".ssh")
	if err := os.Mkdir(ssh, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	dir := filepath.Join(ssh, "agent")
	return dir, agent.PrivateDir(dir)
}

// hostLetters stand for this host where a home directory is on many.
func hostLetters() string {
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	h := sha512.Sum512([]byte(name))
	return letters(h[:hostHash])
}

func randomLetters(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return letters(b)
}

func letters(b []byte) string {
	out := make([]byte, len(b))
	for i, c := range b {
		out[i] = socketChars[int(c)%len(socketChars)]
	}
	return string(out)
}

// tidySockets removes the sockets of agents that are gone: those of this host,
// or all.
func tidySockets(dir string, everyHost bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if !everyHost && !strings.HasPrefix(entry.Name(), "s."+hostLetters()+".") {
			continue
		}
		info, err := entry.Info()
		if err != nil || info.Mode().Type() != fs.ModeSocket || time.Since(info.ModTime()) < freshSocket {
			continue
		}
		path := filepath.Join(dir, entry.Name())
		if agent.Stale(path) {
			os.Remove(path)
		}
	}
}

// handedSocket is the one that a service manager has made (sd_listen_fds(3)).
func handedSocket(e *door.Env) (*agentSocket, error) {
	if e.Getenv("LISTEN_FDS") != "1" {
		return nil, fmt.Errorf("unexpected LISTEN_FDS contents (want: \"1\" got \"%s\")", e.Getenv("LISTEN_FDS"))
	}
	if e.Getenv("LISTEN_PID") != fmt.Sprint(os.Getpid()) {
		return nil, fmt.Errorf("bad LISTEN_PID: %s vs pid %d", e.Getenv("LISTEN_PID"), os.Getpid())
	}
	f := os.NewFile(3, "socket")
	defer f.Close()
	listener, err := net.FileListener(f)
	if err != nil {
		return nil, fmt.Errorf("LISTEN_FDS set but fd 3 unavailable: %w", err)
	}
	return &agentSocket{listener, "", ""}, nil
}
