//go:build unix

package applet

import "os"

func makeLink(target, path string) error { return os.Symlink(target, path) }

// sameText: a copy is no link.
func sameText(string, string) bool { return false }

// doorName is a program's name as it was called.
func doorName(name string) string { return name }
