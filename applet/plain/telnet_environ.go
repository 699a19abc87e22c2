package plain

import (
	"fmt"
	"slices"

	"github.com/nacre-ssh/nacre/telnet"
)

// A telnetEnviron is what the user named for the other side to learn. It begins
// empty: the process's environment is nobody else's business.
type telnetEnviron []telnetVariable

type telnetVariable struct {
	telnet.Variable
	kept bool // unexported: named, and not told
}

func (l telnetEnviron) index(name string) int {
	return slices.IndexFunc(l, func(v telnetVariable) bool { return v.Name == name })
}

func (l telnetEnviron) has(name string) bool { return l.index(name) >= 0 }

func (l telnetEnviron) exported() []telnet.Variable {
	var list []telnet.Variable
	for _, v := range l {
		if !v.kept {
			list = append(list, v.Variable)
		}
	}
	return list
}

// A telnetEnvironCommand is a word behind environ.
type telnetEnvironCommand struct {
	name, help string
	arguments  int
	do         func(d *telnetDoor, args []string) error
}

func telnetEnvironCommands() []telnetEnvironCommand {
	return []telnetEnvironCommand{
		{"define", "Define an environment variable", 2, (*telnetDoor).environDefine},
		{"undefine", "Undefine an environment variable", 1, (*telnetDoor).environUndefine},
		{"export", "Mark an environment variable for automatic export", 1, (*telnetDoor).environExport},
		{"unexport", "Don't mark an environment variable for automatic export", 1, (*telnetDoor).environUnexport},
		{"list", "List the current environment variables", 0, (*telnetDoor).environList},
		{"?", "Print help information", 0, (*telnetDoor).environHelp},
	}
}

func (d *telnetDoor) commandEnviron(args []string) bool {
	if len(args) == 0 {
		d.e.Errorf("Need an argument to 'environ' command.  'environ ?' for help.")
		return false
	}
	c, match := lookName(args[0], telnetEnvironCommands(), func(c telnetEnvironCommand) string { return c.name })
	switch {
	case match == nameAmbiguous:
		d.e.Errorf("'%s': ambiguous argument ('environ ?' for help).", args[0])
		return false
	case match == nameUnknown:
		d.e.Errorf("'%s': unknown argument ('environ ?' for help).", args[0])
		return false
	case len(args)-1 != c.arguments:
		plural := "s"
		if c.arguments == 1 {
			plural = ""
		}
		d.e.Errorf("Need only %d argument%s to 'environ %s' command.  'environ ?' for help.", c.arguments, plural, c.name)
		return false
	}
	if err := c.do(d, args[1:]); err != nil {
		d.e.Errorf("telnet: %v", err)
		return false
	}
	if d.conn == nil {
		return true
	}
	list, err := d.variables()
	if err == nil {
		err = d.conn.SetEnviron(list)
	}
	if err != nil {
		d.e.Errorf("telnet: %v", err)
	}
	return true
}

func (d *telnetDoor) environDefine(args []string) error {
	v := telnetVariable{Variable: telnet.Variable{Name: args[0], Value: args[1]}}
	if err := v.Check(); err != nil {
		return err
	}
	if at := d.environ.index(args[0]); at >= 0 {
		d.environ[at] = v
		return nil
	}
	d.environ = append(d.environ, v)
	return nil
}

func (d *telnetDoor) environUndefine(args []string) error {
	d.environ = slices.DeleteFunc(d.environ, func(v telnetVariable) bool { return v.Name == args[0] })
	return nil
}

// environExport tells a variable, taken from the process's environment if it
// wasn't defined.
func (d *telnetDoor) environExport(args []string) error {
	at := d.environ.index(args[0])
	if at < 0 {
		return d.environDefine([]string{args[0], d.e.Getenv(args[0])})
	}
	d.environ[at].kept = false
	return nil
}

func (d *telnetDoor) environUnexport(args []string) error {
	if at := d.environ.index(args[0]); at >= 0 {
		d.environ[at].kept = true
	}
	return nil
}

func (d *telnetDoor) environList([]string) error {
	for _, v := range d.environ {
		mark := "*"
		if v.kept {
			mark = " "
		}
		fmt.Fprintf(d.e.Stdout, "%s %-20s %s\n", mark, v.Name, v.Value)
	}
	return nil
}

func (d *telnetDoor) environHelp([]string) error {
	for _, c := range telnetEnvironCommands() {
		fmt.Fprintf(d.e.Stdout, "%-15s %s\n", c.name, c.help)
	}
	return nil
}
