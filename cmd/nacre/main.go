// Command nacre is the SSH toolbox: run it without arguments for the list of its
// programs, or under one of their names.
package main

import (
	"os"

	"github.com/nacre-ssh/nacre/applet"
)

func main() { os.Exit(applet.Main(os.Args)) }
