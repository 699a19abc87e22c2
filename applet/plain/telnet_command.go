package plain

import (
	"fmt"
	"os/exec"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/telnet"
	"github.com/nacre-ssh/nacre/term"
)

// A telnetCommand is a command of telnet's command mode.
type telnetCommand struct {
	name, help string
	connected  bool // it needs a connection before anything else
	// do takes the words behind the name; back goes on with the session.
	do func(d *telnetDoor, args []string) (back bool)
}

func telnetCommands() []telnetCommand {
	return []telnetCommand{
		{"close", "close current connection", true, (*telnetDoor).commandClose},
		{"logout", "forcibly logout remote user and close the connection", true, (*telnetDoor).commandLogout},
		{"display", "display operating parameters", false, (*telnetDoor).commandDisplay},
		{"mode", "try to enter line or character mode ('mode ?' for more)", false, (*telnetDoor).commandMode},
		{"open", "connect to a site", false, (*telnetDoor).commandOpen},
		{"quit", "exit telnet", false, (*telnetDoor).commandQuit},
		{"send", "transmit special characters ('send ?' for more)", false, (*telnetDoor).commandSend},
		{"set", "set operating parameters ('set ?' for more)", false, (*telnetDoor).commandSet},
		{"unset", "unset operating parameters ('unset ?' for more)", false, (*telnetDoor).commandUnset},
		{"status", "print status information", false, (*telnetDoor).commandStatus},
		{"toggle", "toggle operating parameters ('toggle ?' for more)", false, (*telnetDoor).commandToggle},
		{"z", "suspend telnet", false, (*telnetDoor).commandStop},
		{"!", "invoke a subshell", false, (*telnetDoor).commandShell},
		{"environ", "change environment variables ('environ ?' for more)", false, (*telnetDoor).commandEnviron},
		{"?", "print help information", false, (*telnetDoor).commandHelp},
		{"help", "", false, (*telnetDoor).commandHelp},
	}
}

// prompt is telnet without a host.
func (d *telnetDoor) prompt() int {
	for !d.over {
		d.command()
	}
	return d.code
}

// escape is the command mode inside a session; it returns true when that is
// over.
func (d *telnetDoor) escape() (over bool) {
	back, stop := false, false
	d.run.away(func() {
		fmt.Fprintln(d.e.Stdout)
		for !back && !d.over && d.conn != nil {
			back = d.command()
		}
		stop, d.stop = d.stop, false
	})
	if stop {
		d.run.stop()
	}
	return d.over || d.conn == nil
}

// command reads and does one command. An empty line goes back to the session.
func (d *telnetDoor) command() (back bool) {
	fmt.Fprint(d.e.Stdout, "telnet> ")
	line, err := d.in.line()
	if err != nil {
		fmt.Fprintln(d.e.Stdout)
		return d.commandQuit(nil)
	}
	if rest, ok := strings.CutPrefix(strings.TrimLeft(line, " \t"), "!"); ok {
		return d.commandShell([]string{rest})
	}
	words := telnetWords(line)
	if len(words) == 0 {
		return true
	}
	c, match := lookName(words[0], telnetCommands(), func(c telnetCommand) string { return c.name })
	switch {
	case match == nameAmbiguous:
		fmt.Fprintln(d.e.Stdout, "?Ambiguous command")
	case match == nameUnknown:
		fmt.Fprintln(d.e.Stdout, "?Invalid command")
	case c.connected && d.conn == nil:
		fmt.Fprintln(d.e.Stdout, "?Need to be connected first.")
	default:
		return c.do(d, words[1:])
	}
	return false
}

// telnetWords splits a command line; quotes hold words together.
func telnetWords(line string) []string {
	var words []string
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		stop, skip := " \t", 0
		if line[0] == '"' || line[0] == '\'' {
			stop, skip = line[:1], 1
		}
		word, rest := line[skip:], ""
		if at := strings.IndexAny(word, stop); at >= 0 {
			word, rest = word[:at], word[at+1:]
		}
		words, line = append(words, word), rest
	}
	return words
}

// What lookName finds.
type nameMatch int

const (
	nameFound nameMatch = iota
	nameUnknown
	nameAmbiguous
)

// lookName finds a row by its name or by so much of it that it can be no other.
func lookName[Row any](word string, rows []Row, name func(Row) string) (row Row, match nameMatch) {
	match = nameUnknown
	for _, r := range rows {
		switch {
		case strings.EqualFold(name(r), word):
			return r, nameFound
		case len(word) > len(name(r)) || !strings.EqualFold(name(r)[:len(word)], word):
		case match == nameFound:
			match = nameAmbiguous
		case match == nameUnknown:
			row, match = r, nameFound
		}
	}
	return row, match
}

func (d *telnetDoor) commandHelp(args []string) bool {
	if len(args) == 0 {
		fmt.Fprint(d.e.Stdout, "Commands may be abbreviated.  Commands are:\n\n")
	}
	for _, c := range telnetCommands() {
		if len(args) == 0 && c.help != "" {
			fmt.Fprintf(d.e.Stdout, "%-8s\t%s\n", c.name, c.help)
		}
	}
	for _, word := range args {
		c, match := lookName(word, telnetCommands(), func(c telnetCommand) string { return c.name })
		switch match {
		case nameFound:
			fmt.Fprintln(d.e.Stdout, c.help)
		case nameAmbiguous:
			fmt.Fprintf(d.e.Stdout, "?Ambiguous help command %s\n", word)
		default:
			fmt.Fprintf(d.e.Stdout, "?Invalid help command %s\n", word)
		}
	}
	return false
}

func (d *telnetDoor) commandClose([]string) bool {
	d.conn.Close()
	d.conn = nil
	fmt.Fprintln(d.e.Stdout, "Connection closed.")
	return true
}

func (d *telnetDoor) commandQuit([]string) bool {
	if d.conn != nil {
		d.commandClose(nil)
	}
	d.over, d.code = true, 0
	return true
}

func (d *telnetDoor) commandLogout([]string) bool {
	return d.told(d.conn.Ask(telnet.Logout, true))
}

// told says what became of sending; the connection's loss is told by its reader.
func (d *telnetDoor) told(err error) bool {
	if err != nil {
		d.e.Errorf("telnet: %s", door.Sentence(err))
	}
	return true
}

func (d *telnetDoor) commandStatus([]string) bool {
	out := d.e.Stdout
	if d.conn == nil {
		fmt.Fprintln(out, "No connection.")
	} else {
		mode, echo := d.conn.Mode(), "Remote"
		fmt.Fprintf(out, "Connected to %s.\n", d.host)
		if mode.Edit {
			fmt.Fprintln(out, "Operating in obsolete linemode")
		} else {
			fmt.Fprintln(out, "Operating in single character mode")
		}
		if mode.Echo {
			echo = "Local"
		}
		fmt.Fprintf(out, "%s character echo\n", echo)
	}
	fmt.Fprintf(out, "Escape character is '%s'.\n", keyName(d.keys.escape))
	return true
}

// commandMode asks for characters at a time, or lines.
func (d *telnetDoor) commandMode(args []string) bool {
	if len(args) != 1 {
		fmt.Fprintln(d.e.Stdout, "'mode' command requires an argument\n'mode ?' for help.")
		return false
	}
	switch name, match := lookName(args[0], []string{"character", "line", "?"}, func(s string) string { return s }); {
	case match == nameUnknown:
		fmt.Fprintf(d.e.Stdout, "Unknown mode '%s' ('mode ?' for help).\n", args[0])
		return false
	case name == "?":
		fmt.Fprint(d.e.Stdout, "format is:  'mode Mode', where 'Mode' is one of:\n\ncharacter       Disable obsolete line-by-line mode\n"+
			"line            Enable obsolete line-by-line mode\n\n?               Print help information\n")
		return false
	case d.conn == nil:
		fmt.Fprintln(d.e.Stdout, "?Need to be connected first.\n'mode ?' for help.")
		return false
	default:
		characters := name == "character"
		if err := d.conn.Ask(telnet.SuppressGoAhead, characters); err != nil {
			return d.told(err)
		}
		return d.told(d.conn.Ask(telnet.Echo, characters))
	}
}

// commandStop stops the program as ^Z does. In a session that waits until the
// terminal is the session's again.
func (d *telnetDoor) commandStop([]string) bool {
	if d.run != nil {
		d.stop = true
		return true
	}
	guard, err := term.Raw(d.e.Stdin)
	if err != nil {
		return true // without a terminal there is no shell to come back from
	}
	defer guard.Close()
	guard.Stop()
	return true
}

func (d *telnetDoor) commandShell(args []string) bool {
	line := shellCommand(d.e.Getenv, strings.TrimSpace(strings.Join(args, " ")))
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = d.e.Stdin, d.e.Stdout, d.e.Stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		d.e.Errorf("telnet: starting the shell: %v", err)
	}
	return true
}
