package door

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"github.com/nacre-ssh/nacre/transport"
)

// An Env is what a door gets of the world. It belongs to the door.
type Env struct {
	Name                  string   // the door's name as it was called, for messages
	Args                  []string // what follows the name
	Stdin, Stdout, Stderr *os.File
	Getenv                func(string) string
}

// Errorf prints one line about what went wrong.
func (e *Env) Errorf(format string, args ...any) {
	fmt.Fprintf(e.Stderr, format+"\n", args...)
}

// A Door is one program. A door without a Group is internal: help doesn't list
// it.
type Door struct {
	Name    string
	Aliases []string
	Group   string // what a person wants to do: "connect", "serve", "help"
	Help    string // one line
	Link    bool   // it stands for a program that people have under this name
	Run     func(ctx context.Context, e *Env) int
}

// Version is what -V prints.
func Version() string { return transport.Version }

// VersionLine is what ssh -V prints.
func VersionLine() string { return Version() + ", SSH protocol 2.0, " + runtime.Version() }

// Find finds a door by a name of it, nil where there is none.
func Find(doors []Door, name string) *Door {
	for i := range doors {
		if doors[i].Name == name {
			return &doors[i]
		}
		for _, alias := range doors[i].Aliases {
			if alias == name {
				return &doors[i]
			}
		}
	}
	return nil
}
