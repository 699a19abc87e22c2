//go:build unix

package door

// hasDesktop: only the environment tells that there is a display.
func (*Env) hasDesktop() bool { return false }

// askpassPrompt is the prompt as it is: no shell sees it.
func askpassPrompt(_, prompt string) string { return prompt }
