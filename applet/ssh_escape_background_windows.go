package applet

import "github.com/nacre-ssh/nacre/applet/door"

// background does nothing: a console has no jobs in the background.
func (e *escaper) background(letter byte) bool {
	e.echo(letter, " [not on Windows]")
	return true
}

// escapeDoors are the programs that ssh starts for its escapes.
func escapeDoors() []door.Door { return nil }
