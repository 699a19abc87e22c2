package applet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
	"github.com/nacre-ssh/nacre/term"
)

// configDoors are the programs that look at configuration files.
func configDoors() []door.Door {
	return []door.Door{
		{Name: "config", Group: "look around", Help: "check ssh_config: what holds for a host and why, and what is wrong", Run: runConfig},
	}
}

const configUsage = `usage: nacre config check [-F configfile] [-o option] [-l login_name] [-p port] [[user@]host]
       nacre config keywords [keyword ...]
`

// Exit codes of config, beside 0.
const (
	configBad   = 1 // something is wrong in the files
	configUsed  = 2 // the command line makes no sense
	configLimit = 200
)

// runConfig is the config program.
func runConfig(_ context.Context, e *door.Env) int {
	if len(e.Args) > 0 {
		switch e.Args[0] {
		case "check":
			return configCheck(e, e.Args[1:])
		case "keywords":
			return configKeywords(e, e.Args[1:])
		}
	}
	fmt.Fprint(e.Stderr, configUsage)
	return configUsed
}

// configCheck checks the files, and explains what holds for a host.
func configCheck(e *door.Env, args []string) int {
	l := new(sshLine)
	var mine getopt.Table
	for _, row := range l.table() {
		if strings.IndexByte("Flop", row.Letter) >= 0 {
			mine = append(mine, row)
		}
	}
	operands, err := mine.Parse(args, 1)
	if err == nil && len(operands) > 1 {
		err = door.ErrUsage
	}
	if err == nil && len(operands) == 1 {
		err = l.destination(operands[0])
	}
	if err != nil {
		if !errors.Is(err, door.ErrUsage) {
			e.Errorf("%v", err)
		}
		fmt.Fprint(e.Stderr, configUsage)
		return configUsed
	}
	report, err := config.CheckClient(l.configQuery())
	if err != nil {
		e.Errorf("%v", err)
		return configBad
	}
	printReport(e, report)
	if report.Bad() {
		return configBad
	}
	return 0
}

// printReport tells what holds first, then what is wrong.
func printReport(e *door.Env, r *config.Report) {
	if c := r.Client; c != nil {
		fmt.Fprintf(e.Stdout, "ssh %s goes to %s@%s port %d\n", c.Host, c.User, c.HostName, c.Port)
		printValues(e, r)
		printLost(e, r)
	}
	for _, of := range []struct {
		title string
		hint  bool
	}{{"wrong", false}, {"worth knowing", true}} {
		first := true
		for _, f := range r.Findings {
			if f.Hint != of.hint {
				continue
			}
			if first {
				fmt.Fprintf(e.Stdout, "\n%s\n", of.title)
				first = false
			}
			fmt.Fprintf(e.Stdout, "  %s\n", term.Printable(f.String()))
		}
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(e.Stdout, "nothing is wrong")
	}
}

// origin is "file:line" as editors take it.
func origin(at config.Origin) string {
	if at.Line == 0 {
		return at.File
	}
	return fmt.Sprintf("%s:%d", at.File, at.Line)
}

func printValues(e *door.Env, r *config.Report) {
	if len(r.Values) == 0 {
		fmt.Fprintln(e.Stdout, "\nno line of the files is for it: every value is the default")
		return
	}
	width := 0
	for _, v := range r.Values {
		width = max(width, len(v.Keyword)+1+len(v.Text))
	}
	width = min(width, 60)
	fmt.Fprintf(e.Stdout, "\nwhat holds, and who said so\n")
	for _, v := range r.Values {
		text := v.Text
		if len(text) > configLimit {
			text = text[:configLimit] + "…"
		}
		fmt.Fprintf(e.Stdout, "  %-*s  %s\n", width, term.Printable(v.Keyword+" "+text), term.Printable(origin(v.Origin)))
	}
}

func printLost(e *door.Env, r *config.Report) {
	if len(r.Lost) == 0 {
		return
	}
	fmt.Fprintf(e.Stdout, "\nlines for it that come too late\n")
	for _, lost := range r.Lost {
		fmt.Fprintf(e.Stdout, "  %s  %s (%s was first)\n", term.Printable(origin(lost.Origin)), term.Printable(lost.Keyword+" "+lost.Text), term.Printable(origin(lost.By)))
	}
}

// configKeywords is the manual of ssh_config, or what it says about keywords.
func configKeywords(e *door.Env, args []string) int {
	docs := sortedDocs(config.ClientDocs())
	for _, name := range args {
		if !slices.ContainsFunc(docs, func(d config.Doc) bool { return equalFold(d.Name, name) }) {
			e.Errorf("there is no keyword %q; nacre config keywords lists them", name)
			return configBad
		}
	}
	for _, d := range docs {
		if len(args) > 0 && !slices.ContainsFunc(args, func(name string) bool { return equalFold(d.Name, name) }) {
			continue
		}
		text := d.Text
		if d.Default != "" && d.Default != "default" {
			text += " (" + d.Default + ")"
		}
		fmt.Fprintf(e.Stdout, "%s\n    %s\n", d.Name, text)
	}
	return 0
}
