package applet

import "github.com/nacre-ssh/nacre/config"

// windowChanged has nobody to tell: there are no masters on this system.
func windowChanged(int) {}

// unshareable has every ssh make a connection of its own, whatever a
// configuration that other systems share says of ControlMaster: a master gets its
// clients' terminals and pipes over a socket, which Windows' don't carry.
func (r *sshRun) unshareable() (code int, done, alone bool) {
	if r.line.control != "" {
		r.say(config.LogFatal, "-O %s: connections are not shared on Windows, whose sockets can't pass a terminal or a pipe to another process: there is no master to ask", r.line.control)
		return sshFailed, true, true
	}
	if r.conf.ControlMaster != "no" || r.conf.ControlPath != "" && r.conf.ControlPath != "none" {
		r.say(config.LogDebug1, "debug1: ControlMaster and ControlPath have no effect on Windows: this connection is not shared")
	}
	r.conf.ControlMaster = "no"
	return 0, false, true
}
