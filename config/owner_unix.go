//go:build unix

package config

import (
	"os"
	"syscall"

	"github.com/nacre-ssh/nacre/internal/getopt"
)

// checkOwner refuses a configuration file that somebody else could have
// written: it would say which commands run as us.
func checkOwner(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	if stat.Uid != 0 && int(stat.Uid) != os.Getuid() || info.Mode().Perm()&0o022 != 0 {
		return complain("Bad owner or permissions on %s", f.Name())
	}
	return nil
}

// tooOpen says whether others may read a private key.
func tooOpen(_ string, info os.FileInfo) bool { return info.Mode().Perm()&0o077 != 0 }

// makePrivate and makeOwn are the commands that put a file or a directory right.
func makePrivate(file string) string { return "chmod 600 " + getopt.Quoted(file) }

func makeOwn(dir string) string { return "chmod 700 " + getopt.Quoted(dir) }

// takeBack leaves others what they may read.
func takeBack(file string) string { return "chmod go-w " + getopt.Quoted(file) }
