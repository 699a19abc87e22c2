package term

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// ErrInterrupted reports that a signal broke off a question, in a process that
// outlived the signal.
var ErrInterrupted = errors.New("interrupted")

// maxAnswer caps what a person may type, in bytes.
const maxAnswer = 8192

// ReadPassword shows prompt on the controlling terminal and reads a line from
// it without echo; standard input and output are not touched. The bytes belong
// to the caller, without the line end. On ^C, on a signal and when ctx is done
// the terminal is given back first. Without a terminal the error is
// ErrNoTerminal; io.EOF stands for an empty line that ^D ended.
func ReadPassword(ctx context.Context, prompt string) ([]byte, error) {
	return question(ctx, prompt, false)
}

// Ask shows a question on the controlling terminal and reads a line from it,
// echoed, without the blanks around it. Errors are those of ReadPassword.
func Ask(ctx context.Context, prompt string) (string, error) {
	answer, err := question(ctx, prompt, true)
	return strings.TrimSpace(string(answer)), err
}

// Confirm asks until the answer is "yes", "no" (or nothing), or, unless it is
// "", the fingerprint, which counts as yes.
func Confirm(ctx context.Context, prompt, fingerprint string) (bool, error) {
	return ConfirmBy(ctx, Ask, prompt, fingerprint)
}

// ConfirmBy is Confirm where ask puts each question, in place of [Ask].
func ConfirmBy(ctx context.Context, ask func(context.Context, string) (string, error), prompt, fingerprint string) (bool, error) {
	again := "Please type 'yes' or 'no': "
	if fingerprint != "" {
		again = "Please type 'yes', 'no' or the fingerprint: "
	}
	for range 10 { // somebody who leans on the keyboard gives no consent
		answer, err := ask(ctx, prompt)
		switch {
		case err != nil:
			return false, err
		case answer == "" || strings.EqualFold(answer, "no"):
			return false, nil
		case strings.EqualFold(answer, "yes") || fingerprint != "" && answer == fingerprint:
			return true, nil
		}
		prompt = again
	}
	return false, errors.New("no usable answer")
}

// readLine reads up to a line end, a byte at a time: what follows belongs to
// the next reader.
func readLine(r io.Reader) ([]byte, error) {
	var line []byte
	one := make([]byte, 1)
	for {
		n, err := r.Read(one)
		if n == 1 && (one[0] == '\n' || one[0] == '\r') {
			return line, nil
		}
		if n == 1 {
			if len(line) == maxAnswer {
				clear(line)
				return nil, fmt.Errorf("an answer may have %d bytes at most", maxAnswer)
			}
			line = append(line, one[0])
			continue
		}
		if err == io.EOF && len(line) > 0 {
			return line, nil
		}
		if err != nil {
			clear(line)
			return nil, err
		}
	}
}

// write shows text and reports a terminal that takes none.
func write(f *os.File, text string) error {
	_, err := io.WriteString(f, text)
	return err
}
