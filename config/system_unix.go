//go:build unix

package config

// systemDir holds the machine's own configuration and host keys.
func systemDir() string { return "/etc/ssh" }
