package kex

import "strings"

// PostQuantum tells whether a method withstands quantum computers: whether what
// is recorded today stays secret when there are some.
func PostQuantum(method string) bool {
	return strings.HasPrefix(method, "mlkem") || strings.HasPrefix(method, "sntrup")
}
