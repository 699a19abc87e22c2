package applet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/applet/agents"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/applet/keys"
	"github.com/nacre-ssh/nacre/applet/plain"
	"github.com/nacre-ssh/nacre/applet/sshd"
	"github.com/nacre-ssh/nacre/internal/getopt"
)

// Doors are all programs, in the order help lists them.
func Doors() []door.Door {
	return append([]door.Door{
		{Name: "ssh", Group: "connect", Help: "log in to another machine, or run a command there", Link: true, Run: runSSH},
		{Name: "demo", Group: "look around", Help: "a server and a client on this machine, with fresh keys", Run: runDemo},
		{Name: "links", Group: "set up", Help: "make links named ssh, sshd, … in a directory", Run: runLinks},
		{Name: "help", Aliases: []string{"-h", "--help", "-help"}, Group: "set up", Help: "this list, or a page of the manual: ssh, ssh_config, sshd_config", Run: runHelp},
		{Name: "version", Aliases: []string{"-V", "--version"}, Group: "set up", Help: "which nacre this is", Run: runVersion},
	}, slices.Concat(keys.Doors(), copyDoors(), keysignDoors(), plinkDoors(), dropbearClientDoors(), agents.Doors(), configDoors(), proxyDoors(), plain.Doors(), sshd.Doors(), escapeDoors(), doctorDoors())...)
}

// Main runs the door that argv names and returns its exit code.
func Main(argv []string) int {
	e := &door.Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv}
	if len(argv) == 0 {
		return runHelp(context.Background(), e)
	}
	doors := Doors()
	if door.Elevated() {
		return elevatedMain(e, argv)
	}
	if d := door.Find(doors, programName(argv[0])); d != nil && d.Link {
		e.Name, e.Args = d.Name, argv[1:]
		return d.Run(context.Background(), e)
	}
	if len(argv) == 1 {
		return runHelp(context.Background(), e)
	}
	d := door.Find(doors, argv[1])
	if d == nil {
		e.Errorf("nacre: there is no %q; nacre help lists what there is", argv[1])
		return 2
	}
	e.Name, e.Args = d.Name, argv[2:]
	return d.Run(context.Background(), e)
}

// elevatedMain is Main in a file that is setuid: whoever calls it chooses argv, so
// that its name is no protection, and there is no program but the signing helper.
func elevatedMain(e *door.Env, argv []string) int {
	doors := keysignDoors()
	d := door.Find(doors, programName(argv[0]))
	if d == nil && len(argv) > 1 {
		d = door.Find(doors, argv[1])
	}
	if d == nil {
		e.Errorf("nacre: nothing but ssh-keysign runs setuid or setgid (chmod u-s,g-s the file)")
		return 2
	}
	e.Name = d.Name
	return d.Run(context.Background(), e)
}

// programName is the last part of a path without Windows' ".exe".
func programName(path string) string {
	name := filepath.Base(path)
	if len(name) > 4 && strings.EqualFold(name[len(name)-4:], ".exe") {
		name = name[:len(name)-4]
	}
	return doorName(name)
}

func runVersion(_ context.Context, e *door.Env) int {
	fmt.Fprintln(e.Stdout, door.Version())
	return 0
}

const helpUsage = "usage: nacre help [--man] [page]\n"

// runHelp lists the doors by what a person wants to do, or prints a page of the
// manual.
func runHelp(_ context.Context, e *door.Env) int {
	var man bool
	table := getopt.Table{{Long: "man", Help: "print the page for man -l", Do: getopt.Flag(&man)}}
	names, err := table.Parse(e.Args, -1)
	switch {
	case err != nil || len(names) > 1 || man && len(names) == 0:
		fmt.Fprint(e.Stderr, helpUsage)
		return 2
	case len(names) == 0:
		return helpList(e)
	}
	p, ok := findPage(names[0])
	if !ok {
		e.Errorf("the manual has no page %q; it has ssh, ssh_config and sshd_config, and each program lists its options with -h or --help", names[0])
		return 1
	}
	write := p.writeText
	if man {
		write = p.writeMan
	}
	if err := write(e.Stdout); err != nil {
		e.Errorf("nacre: %s", door.Sentence(err))
		return 1
	}
	return 0
}

func helpList(e *door.Env) int {
	var b strings.Builder
	b.WriteString("usage: nacre program [argument ...]\n")
	doors := Doors()
	var seen []string
	for _, d := range doors {
		if d.Group == "" || slices.Contains(seen, d.Group) {
			continue
		}
		seen = append(seen, d.Group)
		b.WriteString("\n" + d.Group + "\n")
		for _, other := range doors {
			if other.Group == d.Group {
				fmt.Fprintf(&b, "  %-15s  %s\n", other.Name, other.Help)
			}
		}
	}
	fmt.Fprint(e.Stdout, b.String())
	return 0
}
