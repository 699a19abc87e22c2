package login

import "os"

// AsUser runs f with the rights there are.
func AsUser(_ *User, f func() error) error { return f() }

func openReading(path string) (*os.File, error) { return os.Open(path) }
