package control

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/mux"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/wire"
)

// readRequest reads what appendRequest writes. Flags are numbers here, whatever
// PROTOCOL.mux says.
func readRequest(r *wire.Reader) (Request, error) {
	var q Request
	r.Bytes() // reserved
	for _, flag := range []*bool{&q.TTY, &q.X11, &q.Agent, &q.Subsystem} {
		*flag = r.Uint32() != 0
	}
	escape := r.Uint32()
	q.Escape = -1
	if escape != noEscape {
		q.Escape = int(escape & 0xff)
	}
	q.Term, q.Command = r.String(), r.String()
	for r.Len() > 0 && len(q.Env) < maxEnv {
		q.Env = append(q.Env, r.String())
	}
	if r.Err() != nil {
		return q, errMalformed
	}
	return q, nil
}

// once refuses a second session of one client.
func (s *served) once(files []*os.File) bool {
	if s.open {
		closeAll(files)
		return false
	}
	s.open = true
	return true
}

func (s *served) newSession(r *wire.Reader) error {
	q, err := readRequest(r)
	if err != nil {
		return err
	}
	files, err := s.files(3)
	if err != nil {
		s.fail("did not receive file descriptors")
		return err
	}
	if !s.once(files) {
		return s.fail("Multiple sessions not supported")
	}
	if !s.ask("Allow shared connection to %s? ", s.m.Host) {
		closeAll(files)
		return s.deny()
	}
	p := &passenger{served: s, q: q, files: files, number: make(chan uint32, 1)}
	session, err := s.m.Client.OpenSession(s.ctx, p.options())
	if err == nil {
		err = p.start(session)
	}
	if err != nil {
		closeAll(files)
		return s.fail("Session open refused by peer")
	}
	id := session.Info().ID
	if err := s.send(message(msgSessionOpened, s.id, id)); err != nil {
		session.Close()
		closeAll(files)
		return err
	}
	p.number <- id
	s.m.count(1)
	go p.run(session, id)
	return nil
}

// A passenger is a session of a client, as the master drives it.
type passenger struct {
	*served
	q      Request
	files  []*os.File // the client's standard streams
	number chan uint32
}

// options are what goes before the program. The terminal's modes are read now,
// before the client makes it raw.
func (p *passenger) options() client.SessionOptions {
	var o client.SessionOptions
	if p.m.Options != nil {
		o = p.m.Options(p.q)
	}
	for _, pair := range p.q.Env {
		name, _, ok := strings.Cut(pair, "=")
		if ok && name != "" && p.m.AcceptEnv != nil && p.m.AcceptEnv(name) {
			o.Env = append(o.Env, pair)
		}
	}
	if !p.q.TTY {
		return o
	}
	o.PTY = &client.PTY{Term: p.q.Term}
	if size, err := term.GetSize(p.files[0]); err == nil {
		o.PTY.Window = client.Window(size)
	}
	if modes, err := term.ReadModes(p.files[0]); err == nil {
		o.PTY.Modes = modes.Append(nil)
	}
	o.PTYRefused = func() {
		id := <-p.number
		p.number <- id
		p.send(message(msgTTYFailed, id))
	}
	return o
}

func (p *passenger) start(s *client.Session) error {
	switch {
	case p.q.Subsystem:
		return s.Subsystem(p.q.Command)
	case p.q.Command != "":
		return s.Exec(p.q.Command)
	}
	return s.Shell()
}

// run moves the session's bytes until it has ended, tells how, and ends the
// client with it.
func (p *passenger) run(s *client.Session, id uint32) {
	defer p.m.count(-1)
	defer p.nc.Close()
	in := borrow(p.files[0])
	if p.q.TTY {
		term.WatchSize(p.ctx, p.files[0], func(size term.Size) { s.Resize(client.Window(size)) })
	}
	go p.feed(s, in)
	stdout, stderr := writable(p.files[1]), writable(p.files[2])
	var out sync.WaitGroup
	out.Go(func() { s.WriteTo(stdout) })
	out.Go(func() { s.Stderr().WriteTo(stderr) })
	stop := context.AfterFunc(p.ctx, func() { // the client has gone, and who read from it, perhaps
		s.Close()
		giveBack(stdout, stderr)
	})
	exit, err := s.Wait(p.ctx)
	out.Wait()
	if stop() {
		giveBack(stdout, stderr)
	}
	in.Close()
	closeAll(p.files)
	if err == nil && exit.Signal == "" {
		p.send(message(msgExit, id, uint32(exit.Status)))
	} else if err != nil && !errors.Is(err, client.ErrNoExit) && p.ctx.Err() == nil {
		p.m.log().Debug("A shared session has ended: " + term.Printable(err.Error()) + ".")
	}
}

// feed sends the client's input.
func (p *passenger) feed(s *client.Session, in io.Reader) {
	if p.q.TTY && p.q.Escape >= 0 {
		e := &escaper{p: p, session: s, char: byte(p.q.Escape)}
		e.copy(in)
	} else {
		s.ReadFrom(in)
	}
	s.CloseWrite()
}

// giveBack closes what writable has opened.
func giveBack(writers ...io.Writer) {
	for _, w := range writers {
		if c, ok := w.(io.Closer); ok {
			c.Close()
		}
	}
}

func (s *served) newStdio(r *wire.Reader) error {
	r.Bytes() // reserved
	to, ok := readPlace(r)
	if r.End() != nil || !ok {
		return errMalformed
	}
	files, err := s.files(2)
	if err != nil {
		s.fail("did not receive file descriptors")
		return err
	}
	if !s.once(files) {
		return s.fail("Multiple sessions not supported")
	}
	if !s.askStdio(to) {
		closeAll(files)
		return s.deny()
	}
	ch, err := s.m.Forwards.Stdio(s.ctx, to)
	if err != nil {
		closeAll(files)
		return s.fail("Session open refused by peer")
	}
	if err := s.send(message(msgSessionOpened, s.id, ch.Info().ID)); err != nil {
		ch.Close()
		closeAll(files)
		return err
	}
	s.m.count(1)
	go s.stdio(ch, files)
	return nil
}

func (s *served) askStdio(to forward.Address) bool {
	if to.Path != "" {
		return s.ask("Allow forward to path %s", to.Path)
	}
	return s.ask("Allow forward to [%s]:%d? ", to.Host, to.Port)
}

// stdio moves a forward's bytes until its end, which ends the client.
func (s *served) stdio(ch *mux.Channel, files []*os.File) {
	defer s.m.count(-1)
	defer s.nc.Close()
	in := borrow(files[0])
	go func() {
		ch.ReadFrom(in)
		ch.CloseWrite()
	}()
	stdout := writable(files[1])
	stop := context.AfterFunc(s.ctx, func() {
		ch.Close()
		giveBack(stdout)
	})
	ch.WriteTo(stdout)
	if stop() {
		giveBack(stdout)
	}
	in.Close()
	ch.Close()
	closeAll(files)
}
