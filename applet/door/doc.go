// Package door is what the programs of nacre have in common: what a program gets
// of the world ([Env]), how it is listed ([Door]), how it asks a person, goes into
// the background, reads files that others wrote, and words what went wrong.
//
// A program's package has a function Doors; the applet room puts them together.
//
//	{Name: "ssh-add", Group: "keys", Help: "…", Link: true, Run: runSSHAdd}
//
// It knows no program.
package door
