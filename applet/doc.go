// Package applet is the programs of the toolbox behind one binary. Each is a
// [Door], a row of one table with its name, its help and its function; a file
// of this package holds one program (ssh.go and ssh_*.go, sshd.go, demo.go).
//
// [Main] chooses the door by the name the binary was called by, through a link
// named ssh, or by the first argument (nacre ssh host). A door gets its world in
// an [Env] and returns an exit code.
//
// The doors parse command lines, call the public packages and print; what they
// do is done in the rooms below (client, server, login, config). Nothing here
// works before a door is chosen: start-up time is part of the product.
package applet
