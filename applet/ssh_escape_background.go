package applet

// background gives the terminal back and goes on in the background.
func (e *escaper) background(letter byte) bool {
	e.echo(letter, " [not yet]")
	return true
}
