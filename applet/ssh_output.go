package applet

import (
	"errors"
	"io"
	"sync"
	"syscall"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
)

// A sessionOutput is what becomes of what a program writes. Wait returns when all
// of it has been written here; the errors are to be asked for afterwards.
type sessionOutput struct {
	sync.WaitGroup
	stdout error
}

// collect prints what the program writes.
func (r *sshRun) collect(s *client.Session) *sessionOutput {
	out := new(sessionOutput)
	out.Go(func() { out.stdout = r.drain("output", s, r.output(r.Stdout)) })
	out.Go(func() { r.drain("error", s.Stderr(), r.output(r.Stderr)) })
	return out
}

func (r *sshRun) drain(name string, from io.WriterTo, to io.Writer) error {
	defer term.Rescue()
	_, err := from.WriteTo(to)
	if err != nil {
		r.say(config.LogDebug1, "debug1: Standard %s: %v", name, err)
	}
	return err
}

// refused tells that nobody takes the output: whoever read it has left, as head
// does, or it doesn't fit on the disk.
func (o *sessionOutput) refused() bool { return errors.Is(o.stdout, syscall.EPIPE) || o.lost() }

// lost tells that output couldn't be kept, which the program's own exit code
// must not hide.
func (o *sessionOutput) lost() bool {
	return errors.Is(o.stdout, syscall.ENOSPC) || errors.Is(o.stdout, syscall.EDQUOT) || errors.Is(o.stdout, syscall.EFBIG)
}
