package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"
)

const (
	startTime = 20 * time.Second      // a busy machine is slow
	retryTime = 10 * time.Millisecond // between two attempts to connect
	logShown  = 2 << 10               // bytes of a server's log that an error shows
)

// A server is a running one, with all processes that descend from it. The first
// of them is a guard of ours, which costs next to nothing.
type server struct {
	side
	port int
	log  string    // a file
	cmd  *exec.Cmd // the guard
	gone chan struct{}
}

// serve starts the server of a side and returns when it accepts. It runs until
// the figure ends.
func (l *lab) serve(s side) (*server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	conf, err := l.write(fmt.Sprintf("sshd_config.%d", port), append([]string{
		"ListenAddress " + loopback,
		"HostKey " + l.path("host"),
		"AuthorizedKeysFile " + l.path("authorized_keys"),
		"PasswordAuthentication no",
		"StrictModes no",
		"UsePAM no",
		"MaxStartups 1000",
		"MaxSessions 1000",
	}, s.serverLines...)...)
	if err != nil {
		return nil, err
	}
	srv := &server{side: s, port: port, log: l.path(fmt.Sprintf("log.%d", port)), gone: make(chan struct{})}
	log, err := os.Create(srv.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := append([]string{"-role", "guard"}, s.server...)
	srv.cmd = exec.Command(self(), append(args, "-D", "-e", "-f", conf, "-p", strconv.Itoa(port))...)
	srv.cmd.Env = l.environment()
	srv.cmd.Stdout, srv.cmd.Stderr = log, log
	if err := srv.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = srv.cmd.Wait()
		close(srv.gone)
	}()
	l.servers = append(l.servers, srv)
	return srv, srv.listening()
}

// pair starts both sides' servers.
func (l *lab) pair() (ours, peer *server, err error) {
	if ours, err = l.serve(l.ours); err != nil {
		return nil, nil, err
	}
	peer, err = l.serve(l.peer)
	return ours, peer, err
}

// freePort finds one below those that connections take for themselves: with
// thousands of connections a port of that range is soon taken.
func freePort() (int, error) {
	const lowest, highest = 10000, 32000
	var err error
	for range 100 {
		port := lowest + rand.IntN(highest-lowest)
		var l net.Listener
		if l, err = net.Listen("tcp", net.JoinHostPort(loopback, strconv.Itoa(port))); err == nil {
			return port, l.Close()
		}
	}
	return 0, err
}

func (s *server) addr() string { return net.JoinHostPort(loopback, strconv.Itoa(s.port)) }

func (s *server) pid() int { return s.cmd.Process.Pid }

func (s *server) listening() error {
	deadline := time.After(startTime)
	for {
		if c, err := net.Dial("tcp", s.addr()); err == nil {
			return c.Close()
		}
		select {
		case <-s.gone:
			return fmt.Errorf("the server of %s ended before it listened: %s", s.name, s.said())
		case <-deadline:
			return fmt.Errorf("the server of %s does not listen after %v: %s", s.name, startTime, s.said())
		case <-time.After(retryTime): // a daemon tells nobody when it begins to listen
		}
	}
}

// said is the end of the log.
func (s *server) said() string {
	text, _ := os.ReadFile(s.log)
	return string(text[max(0, len(text)-logShown):])
}

// stopServers kills the servers with their families. What their sessions left
// behind goes with them.
func (l *lab) stopServers() {
	for _, s := range l.servers {
		l.snapshot(s)
		of, _ := family(s.pid())
		for _, p := range of {
			if p.pid == s.pid() {
				_ = s.cmd.Process.Kill()
			} else if child, err := os.FindProcess(p.pid); err == nil {
				_ = child.Kill()
			}
		}
		<-s.gone
	}
	l.servers = nil
}
