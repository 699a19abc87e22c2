package plain

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/telnet"
)

// A telnetWord is something the send command sends.
type telnetWord struct {
	name, help string
	send       func(d *telnetDoor) error
}

func telnetWordList() []telnetWord {
	say := func(cmd telnet.Command) func(*telnetDoor) error {
		return func(d *telnetDoor) error { return d.conn.Send(cmd) }
	}
	return []telnetWord{
		{"ao", "Send Telnet Abort output", say(telnet.AO)},
		{"ayt", "Send Telnet 'Are You There'", say(telnet.AYT)},
		{"brk", "Send Telnet Break", say(telnet.BRK)},
		{"break", "", say(telnet.BRK)},
		{"ec", "Send Telnet Erase Character", say(telnet.EC)},
		{"el", "Send Telnet Erase Line", say(telnet.EL)},
		{"escape", "Send current escape character", sendEscape},
		{"ga", "Send Telnet 'Go Ahead' sequence", say(telnet.GA)},
		{"ip", "Send Telnet Interrupt Process", say(telnet.IP)},
		{"intp", "", say(telnet.IP)},
		{"interrupt", "", say(telnet.IP)},
		{"nop", "Send Telnet 'No operation'", say(telnet.NOP)},
		{"eor", "Send Telnet 'End of Record'", say(telnet.EOR)},
		{"abort", "Send Telnet 'Abort Process'", say(telnet.ABORT)},
		{"susp", "Send Telnet 'Suspend Process'", say(telnet.SUSP)},
		{"eof", "Send Telnet End of File Character", say(telnet.EOF)},
		{"synch", "Perform Telnet 'Synch operation'", func(d *telnetDoor) error { return d.conn.Synch() }},
	}
}

func sendEscape(d *telnetDoor) error {
	if d.keys.escape == off {
		return nil
	}
	_, err := d.conn.Write([]byte{byte(d.keys.escape)})
	return err
}

// commandSend sends one or more, in order; nothing when one of them is unknown.
func (d *telnetDoor) commandSend(args []string) bool {
	if len(args) == 0 {
		fmt.Fprintln(d.e.Stdout, "need at least one argument for 'send' command\n'send ?' for help")
		return false
	}
	if args[0] == "?" || args[0] == "help" {
		d.helpSend()
		return false
	}
	if back, done := d.sendOption(args); done {
		return back
	}
	var list []telnetWord
	for _, arg := range args {
		w, match := lookName(arg, telnetWordList(), func(w telnetWord) string { return w.name })
		switch {
		case match == nameAmbiguous:
			fmt.Fprintf(d.e.Stdout, "Ambiguous send argument '%s'\n'send ?' for help.\n", arg)
			return false
		case match == nameUnknown:
			fmt.Fprintf(d.e.Stdout, "Unknown send argument '%s'\n'send ?' for help.\n", arg)
			return false
		}
		list = append(list, w)
	}
	if d.conn == nil {
		fmt.Fprintln(d.e.Stdout, "?Need to be connected first.\n'send ?' for help")
		return false
	}
	for _, w := range list {
		if err := w.send(d); err != nil {
			return d.told(err)
		}
	}
	return true
}

func (d *telnetDoor) helpSend() {
	for _, w := range telnetWordList() {
		if w.help != "" {
			fmt.Fprintf(d.e.Stdout, "%-15s %s\n", w.name, w.help)
		}
	}
	fmt.Fprintf(d.e.Stdout, "%-15s %s\n", "?", "Display send options")
}

// sendOption is "send do OPTION" and its like. What this side can't do isn't
// offered.
func (d *telnetDoor) sendOption(args []string) (back, done bool) {
	verb := strings.ToLower(args[0])
	if verb != "do" && verb != "dont" && verb != "will" && verb != "wont" {
		return false, false
	}
	if len(args) != 2 {
		fmt.Fprintf(d.e.Stdout, "Usage: send %s <value|option>\n", verb)
		return false, true
	}
	o, ok := telnetOption(args[1])
	if !ok {
		fmt.Fprintf(d.e.Stdout, "'%s': unknown argument ('send %s ?' for help).\n", args[1], verb)
		return false, true
	}
	if d.conn == nil {
		fmt.Fprintln(d.e.Stdout, "?Need to be connected first.\n'send ?' for help")
		return false, true
	}
	enable := verb == "do" || verb == "will"
	if verb == "do" || verb == "dont" {
		return d.told(d.conn.Ask(o, enable)), true
	}
	return d.told(d.conn.Offer(o, enable)), true
}

// telnetOption reads an option's number or name.
func telnetOption(s string) (telnet.Option, bool) {
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		return telnet.Option(n), true
	}
	for o := range telnet.Option(40) {
		if strings.EqualFold(o.String(), s) || strings.EqualFold(strings.ReplaceAll(o.String(), " ", "-"), s) {
			return o, true
		}
	}
	return telnet.SuppressGoAhead, strings.EqualFold(s, "sga")
}
