package applet

// elevated: files give no rights on this system.
func elevated() bool { return false }
