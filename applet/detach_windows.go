package applet

import "errors"

// detached is never made: there is no background to go to.
type detached struct{}

func (*detached) ready([]byte, bool) {}

func (*detached) leave([]byte) {}

func background(*Env) *detached { return nil }

type detachOptions struct {
	stdin, stdout any
	env           []string
	terminal      bool
}

var errBackground = errors.New("it can't go to the background here")

func startDetached(*Env, detachOptions) (pid int, word []byte, code int, err error) {
	return 0, nil, 0, errBackground
}
