package keys

import "github.com/nacre-ssh/nacre/applet/door"

// Doors are the programs about keys: OpenSSH's, our own, PuTTY's and
// Dropbear's.
func Doors() []door.Door {
	return []door.Door{
		{Name: "ssh-keygen", Group: "keys", Help: "make, change, show and certify keys", Link: true, Run: runKeygen},
		{Name: "keys", Group: "keys", Help: "every key that you have: where it is, what uses it, which are weak", Run: runKeys},
		{Name: "ssh-keyscan", Group: "keys", Help: "collect the host keys of machines", Link: true, Run: runKeyscan},
		{Name: "puttygen", Group: "keys", Help: "make PuTTY's keys and turn keys of any format into another", Link: true, Run: runPuttygen},
		{Name: "dropbearkey", Group: "keys", Help: "make Dropbear's keys, and show them", Link: true, Run: runDropbearkey},
		{Name: "dropbearconvert", Group: "keys", Help: "turn OpenSSH's keys into Dropbear's, and back", Link: true, Run: runDropbearconvert},
	}
}
