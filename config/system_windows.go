package config

import (
	"os"
	"path/filepath"
)

// systemDir holds the machine's own configuration and host keys, where
// Microsoft's OpenSSH has them.
func systemDir() string {
	base := os.Getenv("ProgramData")
	if base == "" {
		base = `C:\ProgramData`
	}
	return filepath.Join(base, "ssh")
}
