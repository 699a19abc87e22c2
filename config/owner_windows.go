package config

import (
	"os"

	"github.com/nacre-ssh/nacre/internal/winsys"
)

// checkOwner refuses a configuration file that somebody else could have
// written: it would say which commands run as us.
func checkOwner(f *os.File) error {
	who, err := winsys.Stranger(f.Name(), winsys.Write)
	if err == nil && who == "" {
		who, err = winsys.Owner(f.Name())
	}
	if err != nil {
		return err
	}
	if who != "" {
		return complain("Bad owner or permissions on %s: %s may write it", f.Name(), printable(who))
	}
	return nil
}

// tooOpen says whether others may read a private key.
func tooOpen(name string, _ os.FileInfo) bool {
	who, err := winsys.Stranger(name, winsys.Read)
	return err != nil || who != ""
}

// makePrivate, makeOwn and takeBack are the commands that put a file or a
// directory right.
func makePrivate(file string) string { return winsys.Private(file, "F") }

func makeOwn(dir string) string { return winsys.Private(dir, "(OI)(CI)F") }

func takeBack(file string) string { return makePrivate(file) }
