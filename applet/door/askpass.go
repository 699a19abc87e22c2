package door

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/nacre-ssh/nacre/term"
)

// Asking says where a question may go besides the program of SSH_ASKPASS.
type Asking int

const (
	// AskTerminal is ssh's way: the terminal, and the program where there is
	// none.
	AskTerminal Asking = iota
	// AskInput is ssh-add's: the program where standard input is no terminal,
	// and standard input where there is no program.
	AskInput
	// AskProgram is an agent's, which has no terminal of its own.
	AskProgram
)

// errNobody says that there is no way to ask.
var errNobody = errors.New("there is nobody to ask")

// maxAskpass caps what the program may answer, in bytes.
const maxAskpass = 1024

// askpass decides between the terminal and the program, as SSH_ASKPASS_REQUIRE
// and the display say (ssh(1), ENVIRONMENT).
func (e *Env) askpass() (allowed, first bool) {
	allowed = e.Getenv("DISPLAY") != "" || e.Getenv("WAYLAND_DISPLAY") != "" || e.hasDesktop()
	switch strings.ToLower(e.Getenv("SSH_ASKPASS_REQUIRE")) {
	case "force":
		return true, true
	case "prefer":
		return allowed, allowed
	case "never":
		return false, false
	}
	return allowed, false
}

// ReadSecret asks for a line that is not shown. The caller owns it. The errors
// are those of term.ReadPassword; errNobody is one too.
func (e *Env) ReadSecret(ctx context.Context, how Asking, prompt string) ([]byte, error) {
	allowed, first := e.askpass()
	switch how {
	case AskProgram:
		first = true
	case AskInput:
		first = first || !term.IsTerminal(e.Stdin)
	}
	if first && allowed {
		return e.runAskpass(ctx, prompt, "")
	}
	if how == AskProgram {
		return nil, errNobody
	}
	secret, err := term.ReadPassword(ctx, prompt)
	if !errors.Is(err, term.ErrNoTerminal) {
		return secret, err
	}
	if allowed {
		return e.runAskpass(ctx, prompt, "")
	}
	if how == AskInput {
		return e.ReadInput(prompt)
	}
	return nil, err
}

// ReadAnswer asks for a line that may be shown, where ssh does: the errors are
// those of term.Ask. Blanks around it are cut off.
func (e *Env) ReadAnswer(ctx context.Context, prompt string) (string, error) {
	allowed, first := e.askpass()
	if !first {
		answer, err := term.Ask(ctx, prompt)
		if !errors.Is(err, term.ErrNoTerminal) || !allowed {
			return answer, err
		}
	}
	answer, err := e.runAskpass(ctx, prompt, "")
	return strings.TrimSpace(string(answer)), err
}

// ReadInput reads a line from standard input, where there is no terminal.
func (e *Env) ReadInput(prompt string) ([]byte, error) {
	io.WriteString(e.Stderr, prompt)
	var line []byte
	one := make([]byte, 1)
	for len(line) < maxAskpass {
		n, err := e.Stdin.Read(one)
		if n == 1 && one[0] == '\n' || err == io.EOF && len(line) > 0 {
			return bytes.TrimSuffix(line, []byte("\r")), nil
		}
		if err != nil {
			clear(line)
			return nil, err
		}
		line = append(line, one[:n]...)
	}
	return line, nil
}

// MayUse asks for the permission to do something: no answer, or "yes", gives it.
func (e *Env) MayUse(ctx context.Context, question string) bool {
	if allowed, _ := e.askpass(); !allowed {
		return false
	}
	answer, err := e.runAskpass(ctx, question, "confirm")
	defer clear(answer)
	return err == nil && (len(answer) == 0 || strings.EqualFold(string(answer), "yes"))
}

// runAskpass runs the program, which shows a question in a window and prints the
// answer. The hint says what kind of question it is.
func (e *Env) runAskpass(ctx context.Context, prompt, hint string) ([]byte, error) {
	program := e.Getenv("SSH_ASKPASS")
	if program == "" {
		program = "ssh-askpass"
	}
	cmd := exec.CommandContext(ctx, program, askpassPrompt(program, prompt))
	cmd.Env = os.Environ()
	if hint != "" {
		cmd.Env = append(cmd.Env, "SSH_ASKPASS_PROMPT="+hint)
	}
	cmd.Stderr = e.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	answer, readErr := io.ReadAll(io.LimitReader(out, maxAskpass))
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		clear(answer)
		return nil, err
	}
	if i := bytes.IndexAny(answer, "\r\n"); i >= 0 {
		answer = answer[:i]
	}
	return answer, nil
}
