package control

import (
	"errors"
	"fmt"

	"github.com/nacre-ssh/nacre/forward"
	"github.com/nacre-ssh/nacre/wire"
)

// readForward reads what appendForward writes. An invalid one, which is
// answered, is told from a malformed one by ok.
func readForward(r *wire.Reader) (kind forward.Kind, s forward.Spec, ok bool, err error) {
	number := r.Uint32()
	var valid [2]bool
	s.Listen, valid[0] = readPlace(r)
	s.Target, valid[1] = readPlace(r)
	if r.End() != nil {
		return 0, s, false, errMalformed
	}
	ok = valid[0] && valid[1]
	missing := s.Target.Path == "" && s.Target.Host == ""
	switch number {
	case forwardLocal:
		ok = ok && !missing && (s.Target.Path != "" || s.Target.Port != 0)
	case forwardRemote:
		kind = forward.Remote
		// A remote dynamic forward has neither host nor port to connect to;
		// OpenSSH's own master refuses it.
		s.Dynamic = missing && s.Target.Port == 0
		ok = ok && (!missing || s.Dynamic)
	case forwardDynamic:
		ok = ok && s.Listen.Path == ""
		s.Dynamic, s.Target = true, forward.Address{}
	default:
		ok = false
	}
	return kind, s, ok, nil
}

// readPlace reads a host and a port, or a path and what stands for it.
func readPlace(r *wire.Reader) (forward.Address, bool) {
	host, port := r.String(), r.Uint32()
	switch {
	case port == portStreamLocal:
		return forward.Address{Path: host}, host != ""
	case port > 65535:
		return forward.Address{}, false
	}
	return forward.Address{Host: host, Named: host != "", Port: int(port)}, true
}

// describe is a forward as OpenSSH's questions have it.
func describe(kind forward.Kind, s forward.Spec) string {
	place := func(a forward.Address, unnamed string) string {
		switch {
		case a.Path != "":
			return fmt.Sprintf("%.200s:-2", a.Path)
		case a.Host == "":
			return fmt.Sprintf("%s:%d", unnamed, a.Port)
		}
		return fmt.Sprintf("%.200s:%d", a.Host, a.Port)
	}
	listen := place(s.Listen, "LOCALHOST")
	switch {
	case kind == forward.Remote:
		return "remote forward " + listen + " -> " + place(s.Target, "")
	case s.Dynamic:
		return "dynamic forward " + listen + " -> *"
	}
	return "local forward " + listen + " -> " + place(s.Target, "")
}

func (s *served) openForward(r *wire.Reader) error {
	kind, spec, ok, err := readForward(r)
	switch {
	case err != nil:
		return err
	case !ok:
		return s.fail("Invalid forwarding request")
	}
	if at, ok := s.standing(kind, spec); ok {
		if kind == forward.Remote && spec.Listen.Path == "" && spec.Listen.Port == 0 {
			return s.send(message(msgRemotePort, s.id, uint32(at.Port)))
		}
		return s.ok()
	}
	if !s.ask("Open %s on %s?", describe(kind, spec), s.m.Host) {
		return s.deny()
	}
	if kind == forward.Remote {
		return s.openRemote(spec)
	}
	if err := s.m.Forwards.Local(s.ctx, spec); err != nil {
		return s.fail("Port forwarding failed")
	}
	return s.ok()
}

func (s *served) openRemote(spec forward.Spec) error {
	port, err := s.m.Forwards.Remote(s.ctx, spec)
	switch {
	case err != nil && spec.Listen.Path != "":
		return s.fail("remote port forwarding failed for listen path " + spec.Listen.Path)
	case err != nil:
		return s.fail(fmt.Sprintf("remote port forwarding failed for listen port %d", spec.Listen.Port))
	case spec.Listen.Path == "" && spec.Listen.Port == 0:
		return s.send(message(msgRemotePort, s.id, uint32(port)))
	}
	return s.ok()
}

// standing looks for a forward that was asked for in the same words.
func (s *served) standing(kind forward.Kind, spec forward.Spec) (forward.Forward, bool) {
	for _, f := range s.m.Forwards.List() {
		if f.Kind == kind && alike(f.Spec, spec) {
			return f, true
		}
	}
	return forward.Forward{}, false
}

func alike(a, b forward.Spec) bool {
	if a.Dynamic && b.Dynamic {
		a.Target, b.Target = forward.Address{}, forward.Address{}
	}
	return a.Dynamic == b.Dynamic && samePlace(a.Listen, b.Listen) && samePlace(a.Target, b.Target)
}

// samePlace compares what was typed; a host that was named as "" travels as "*".
func samePlace(a, b forward.Address) bool {
	written := func(a forward.Address) string {
		if a.Host == "" && a.Named {
			return "*"
		}
		return a.Host
	}
	return a.Path == b.Path && a.Port == b.Port && (a.Path != "" || written(a) == written(b))
}

func (s *served) closeForward(r *wire.Reader) error {
	kind, spec, ok, err := readForward(r)
	if err != nil {
		return err
	}
	f, found := s.standing(kind, spec)
	switch {
	case !ok || !found:
		return s.fail("port not forwarded")
	case kind == forward.Remote:
		at := f.Listen
		at.Port = f.Port
		err = s.m.Forwards.CancelRemote(at)
	default:
		err = s.m.Forwards.CancelLocal(f.Listen, f.Dynamic)
	}
	if errors.Is(err, forward.ErrUnknown) {
		return s.fail("port not found")
	}
	if err != nil {
		return s.fail("the forward could not be cancelled")
	}
	return s.ok()
}
