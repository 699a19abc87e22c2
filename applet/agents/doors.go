package agents

import "github.com/nacre-ssh/nacre/applet/door"

// Doors are the programs about the agent.
func Doors() []door.Door {
	return []door.Door{
		{Name: "ssh-agent", Group: "keys", Help: "hold private keys and sign with them for other programs", Link: true, Run: runSSHAgent},
		{Name: "ssh-add", Group: "keys", Help: "give keys to the agent, list them, take them back", Link: true, Run: runSSHAdd},
		{Name: "pageant", Group: "keys", Help: "the agent of PuTTY, which opens encrypted keys when they are needed", Link: true, Run: runPageant},
	}
}
