package config

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
)

// systemDir holds the machine's own configuration and host keys, where
// Microsoft's OpenSSH has them.
func systemDir() string { return filepath.Join(programData(), "ssh") }

func programData() string {
	return orElse(os.Getenv("ProgramData"), `C:\ProgramData`)
}

// programDataWord stands for the machine's directory of data at the start of a
// path, as in Microsoft's OpenSSH.
const programDataWord = "__PROGRAMDATA__"

// systemKnownHosts are the system's files of host keys.
const systemKnownHosts = programDataWord + "/ssh/ssh_known_hosts " + programDataWord + "/ssh/ssh_known_hosts2"

// inSystem puts the directory in the place of its word.
func inSystem(path string) string {
	if rest, ok := strings.CutPrefix(path, programDataWord); ok {
		return programData() + rest
	}
	return path
}

// systemVariable says how long the %NAME% is that s starts with; 0 for none. One
// letter is a token, and so is what names no variable.
func systemVariable(s string, getenv func(string) (string, bool)) int {
	const nameLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_()"
	if s[0] != '%' {
		return 0
	}
	name, _, closed := strings.Cut(s[1:], "%")
	if !closed || len(name) < 2 || strings.Trim(name, nameLetters) != "" {
		return 0
	}
	if _, ok := getenv(name); !ok {
		return 0
	}
	return len(name) + 2
}

// accountNames are the account's home directory and name, as ssh takes them:
// %USERPROFILE%, and the name in lower case, without the machine's, which other
// machines know nothing of.
func accountNames(account *user.User) (home, name string) {
	name = strings.ToLower(account.Username)
	if domain, rest, ok := strings.Cut(name, `\`); ok && isThisMachine(domain) {
		name = rest
	}
	return orElse(os.Getenv("USERPROFILE"), account.HomeDir), name
}

func isThisMachine(name string) bool {
	host, err := os.Hostname()
	return err == nil && strings.EqualFold(name, host) || strings.EqualFold(name, os.Getenv("COMPUTERNAME"))
}
