// Package nacre holds no code: the module's rooms are below it, the command is
// cmd/nacre, and ARCHITECTURE.md has the map. Its test keeps the map true.
package nacre
