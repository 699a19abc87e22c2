package keys

import (
	"context"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nacre-ssh/nacre/applet/door"
)

// The test binary is nacre with the programs of this package, for tests that need
// a terminal, a pipe or a shell.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"nacre": func() {
		d := door.Find(Doors(), os.Args[1])
		os.Exit(d.Run(context.Background(), &door.Env{
			Name: d.Name, Args: os.Args[2:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		}))
	}})
}
