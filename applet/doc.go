// Package applet is the programs of the toolbox behind one binary. Each is a
// [door.Door], a row of a table with its name, its help and its function.
//
// [Main] chooses the door by the name the binary was called by, through a link
// named ssh, or by the first argument (nacre ssh host). A door gets its world in
// a [door.Env] and returns an exit code.
//
// The clients are here: ssh (ssh.go and ssh_*.go), plink and dbclient, which are ssh
// in another manner, doctor, config and their helpers. The other programs have rooms
// of their own: keys, agents, sshd, plain.
//
// The doors parse command lines, call the public packages and print; what they
// do is done in the rooms below (client, server, login, config). Nothing here
// works before a door is chosen: start-up time is part of the product.
package applet
