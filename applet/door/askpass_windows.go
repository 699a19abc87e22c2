package door

import (
	"path/filepath"
	"strings"
)

// hasDesktop says whether a program could show a window: where one is named, it
// is taken to.
func (e *Env) hasDesktop() bool { return e.Getenv("SSH_ASKPASS") != "" }

// askpassPrompt is the prompt for a program. A batch file's arguments are read by
// cmd.exe, for which some letters are commands, and a server has a say in what
// the prompt is: it gets none of them.
func askpassPrompt(program, prompt string) string {
	switch strings.ToLower(filepath.Ext(program)) {
	case ".bat", ".cmd":
	default:
		return prompt
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || strings.ContainsRune(`"%!^&|<>()`, c) {
			return '_'
		}
		return c
	}, prompt)
}
