package applet

// serverDoors are the programs that let others in.
func serverDoors() []Door {
	return []Door{
		{Name: "sshd", Group: "serve", Help: "let others log in to this machine", Link: true, Run: runSSHD},
		{Name: sessionDoor, Run: runSSHDSession},
	}
}
