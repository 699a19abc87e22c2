//go:build unix

package config

import "os/user"

// systemDir holds the machine's own configuration and host keys.
func systemDir() string { return "/etc/ssh" }

// inSystem is for a word of Windows' own.
func inSystem(path string) string { return path }

// systemVariable: no variable is written like a token here.
func systemVariable(string, func(string) (string, bool)) int { return 0 }

// systemKnownHosts are the system's files of host keys.
const systemKnownHosts = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"

// accountNames are the account's home directory and name, as ssh takes them.
func accountNames(account *user.User) (home, name string) { return account.HomeDir, account.Username }
