package putty

import (
	"os"
	"path/filepath"
)

// DefaultDir is where PuTTY keeps its files on Unix: $PUTTYDIR, else
// $XDG_CONFIG_HOME/putty or ~/.config/putty where that exists, else ~/.putty.
// getenv is os.Getenv, home the user's home directory or "".
func DefaultDir(getenv func(string) string, home string) string {
	if dir := getenv("PUTTYDIR"); dir != "" {
		return dir
	}
	if home == "" {
		home = "/"
	}
	config := getenv("XDG_CONFIG_HOME")
	if config == "" {
		config = filepath.Join(home, ".config")
	}
	if dir := filepath.Join(config, "putty"); isDir(dir) {
		return dir
	}
	return filepath.Join(home, ".putty")
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// DefaultFiles is the store below [DefaultDir], with what $PUTTYSESSIONS,
// $PUTTYSSHHOSTKEYS and $PUTTYSSHHOSTCAS say instead.
func DefaultFiles(getenv func(string) string, home string) *Files {
	return &Files{
		Dir:          DefaultDir(getenv, home),
		SessionsDir:  getenv("PUTTYSESSIONS"),
		HostKeysFile: getenv("PUTTYSSHHOSTKEYS"),
		HostCAsDir:   getenv("PUTTYSSHHOSTCAS"),
	}
}
