package applet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/nacre-ssh/nacre/applet/door"
)

// runLinks makes a link to this binary for each program that people have under
// a name of its own. It replaces nothing but links to this binary.
func runLinks(_ context.Context, e *door.Env) int {
	if len(e.Args) != 1 {
		e.Errorf("usage: nacre links directory")
		return 2
	}
	target, err := os.Executable()
	if err != nil {
		e.Errorf("nacre links: where this program is: %v", err)
		return 1
	}
	code := 0
	for _, d := range Doors() {
		if !d.Link {
			continue
		}
		path := filepath.Join(e.Args[0], linkName(d.Name))
		if err := link(target, path); err != nil {
			e.Errorf("nacre links: %v", err)
			code = 1
			continue
		}
		fmt.Fprintln(e.Stdout, path)
	}
	return code
}

func linkName(door string) string {
	if runtime.GOOS == "windows" {
		return door + ".exe"
	}
	return door
}

// link makes path a link to target.
func link(target, path string) error {
	err := makeLink(target, path)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	there, statErr := os.Stat(path)
	ours, targetErr := os.Stat(target)
	if statErr == nil && targetErr == nil && (os.SameFile(there, ours) || sameText(path, target)) {
		return nil
	}
	return fmt.Errorf("%s exists and is something else; remove it first", path)
}
