package applet

// stopSelf does nothing: there is no job control.
func stopSelf() {}
