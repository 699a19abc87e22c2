package sshd

import "github.com/nacre-ssh/nacre/applet/door"

// Doors are the programs that let others in.
func Doors() []door.Door {
	return []door.Door{
		{Name: "sshd", Group: "serve", Help: "let others log in to this machine", Link: true, Run: runSSHD},
		{Name: sessionDoor, Run: runSSHDSession},
	}
}
