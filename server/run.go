package server

import (
	"context"
	"io"
	"sync"

	"github.com/nacre-ssh/nacre/wire"
)

// run connects a process with its channel until both have ended.
func (s *session) run(p Process) {
	defer p.Close()
	st := p.Streams()
	if len(st.Greeting) > 0 {
		s.ch.Write(st.Greeting)
	}
	if len(st.Notice) > 0 {
		s.ch.Stderr().Write(st.Notice)
	}
	var output sync.WaitGroup
	output.Go(func() { s.c.guard(func() { s.send(s.ch, st.Stdout) }) })
	if st.Stderr != nil {
		output.Go(func() { s.c.guard(func() { s.send(s.ch.Stderr(), st.Stderr) }) })
	}
	go s.c.guard(func() { s.receive(st.Stdin) })
	exited := make(chan Exit, 1)
	go s.c.guard(func() { exited <- p.Wait() })
	select {
	case exit := <-exited:
		s.tellExit(exit)
	case <-s.ch.Done():
		return
	}
	drained := make(chan struct{})
	go func() {
		output.Wait()
		close(drained)
	}()
	select {
	case <-drained:
		s.ch.CloseWrite()
	case <-s.ch.Done():
	}
	s.ch.Close()
}

// send sends a stream of the process to its end. Where the client reads no more
// the stream is closed, so that the process learns it.
func (s *session) send(to io.ReaderFrom, from io.ReadCloser) {
	if _, err := to.ReadFrom(from); err != nil {
		s.Log.Debug("end of output: " + printable(err.Error()))
	}
	if s.PTY == nil {
		from.Close()
	}
}

// receive gives the process what the client sends. The end of it is the end of
// the process's input, but on a terminal, where it means nothing.
func (s *session) receive(to io.WriteCloser) {
	s.ch.WriteTo(to)
	if s.PTY == nil {
		to.Close()
	}
}

// tellExit tells how the process ended (RFC 4254, section 6.10), and that it
// reads no more.
func (s *session) tellExit(exit Exit) {
	name, b := "exit-status", wire.AppendUint32(nil, uint32(exit.Code))
	if exit.Signal != "" {
		name, b = "exit-signal", wire.AppendString(nil, exit.Signal)
		b = wire.AppendBool(b, exit.Core)
		b = wire.AppendString(wire.AppendString(b, ""), "")
	}
	s.ch.Request(context.Background(), name, false, b)
	s.ch.CloseRead()
}
