package sshd

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"runtime"
	"sync"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/login"
	"github.com/nacre-ssh/nacre/server"
)

// sessionDoor is the name of the process that holds a user's connections.
const sessionDoor = "sshd-session"

// runSSHDSession is the user's process: it becomes the user before anything
// else, and serves the connections that the monitor hands to it.
func runSSHDSession(ctx context.Context, e *door.Env) int {
	w := &sessionWorker{chains: chains{fixed: e.Getenv("GOMAXPROCS") != ""}}
	if err := login.RunWorker(ctx, w.serve); err != nil {
		e.Errorf("%v", err)
		return 1
	}
	return 0
}

// sessionWorker is the state of a user's process.
type sessionWorker struct {
	mu     sync.Mutex
	latest *workerServer // of the last configuration seen
	tidier tidier
	chains chains
}

// chains has as many goroutines run at a time as there are connections, up to the
// number of processors: one connection is one chain of work, and what is typed in
// it waits less for its turn in a thread that runs than for another thread's.
type chains struct {
	fixed bool // the administrator has said how many
	mu    sync.Mutex
	n     int
}

func (c *chains) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	if at := min(max(c.n, 1), runtime.NumCPU()); !c.fixed && runtime.GOMAXPROCS(0) != at {
		runtime.GOMAXPROCS(at)
	}
}

// workerServer is what connections of one configuration share.
type workerServer struct {
	encoded []byte
	config  *sessionConfig
	keys    []key.Public
	server  *server.Server
}

func (w *sessionWorker) serve(ctx context.Context, h *login.Handed) {
	w.chains.add(1)
	defer w.chains.add(-1)
	ws, r, err := w.take(h)
	w.tidier.note()
	if err == nil {
		err = ws.server.Resume(ctx, h.Conn, r)
	}
	if err != nil {
		h.Logger(slog.LevelInfo).Error(err.Error())
	}
}

// take reads what came with the connection and lets go of it.
func (w *sessionWorker) take(h *login.Handed) (*workerServer, *server.Resumed, error) {
	encoded, who, err := parsePolicy(h.Policy)
	if err != nil {
		return nil, nil, err
	}
	ws, err := w.serverFor(encoded, h)
	if err != nil {
		return nil, nil, err
	}
	r := &server.Resumed{Login: who, State: h.State, Logger: h.Logger(slogLevel(config.LogLevel(ws.config.logLevel)))}
	h.State, h.Policy = nil, nil
	asks := make([]monitorSigner, len(ws.keys))
	r.HostKeys = make([]key.Signer, len(ws.keys))
	for i, k := range ws.keys {
		asks[i] = monitorSigner{k, ws.config.generation, h}
		r.HostKeys[i] = &asks[i]
	}
	r.Prove = func(ctx context.Context, session []byte, _ key.Public, algorithm string) ([]byte, error) {
		return h.Sign(ctx, signatureName(ws.config.generation, true, algorithm), session)
	}
	return ws, r, nil
}

// serverFor returns the server for a configuration. Connections mostly have the
// same one.
func (w *sessionWorker) serverFor(encoded []byte, h *login.Handed) (*workerServer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.latest != nil && bytes.Equal(w.latest.encoded, encoded) {
		return w.latest, nil
	}
	cfg, err := parseSessionConfig(encoded)
	if err != nil {
		return nil, err
	}
	ws := &workerServer{encoded: bytes.Clone(encoded), config: cfg}
	for _, blob := range cfg.hostKeys {
		k, err := cert.ParsePublic([]byte(blob))
		if err != nil {
			return nil, errors.Join(errPolicy, err)
		}
		ws.keys = append(ws.keys, k)
	}
	sc := cfg.serverConfig()
	sc.Handler = &Processes{User: h.User, Runner: h.Runner, accept: cfg.acceptEnv, motd: cfg.motd}
	ws.server = server.ForWorker(sc)
	w.latest = ws
	return ws, nil
}

// monitorSigner is a host key that only the monitor has.
type monitorSigner struct {
	public     key.Public
	generation uint32
	handed     *login.Handed
}

// Public is key.Signer's.
func (m *monitorSigner) Public() key.Public { return m.public }

// Sign is key.Signer's.
func (m *monitorSigner) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	return m.handed.Sign(ctx, signatureName(m.generation, false, algorithm), data)
}
