package keys

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/internal/moduli"
	"github.com/nacre-ssh/nacre/keyfile"
)

// moduli is -M: groups for Diffie-Hellman group exchange.
func (k *keygen) moduli(ctx context.Context) int {
	switch {
	case len(k.operands) == 0:
		return k.fatal(fatalf("No output file specified"))
	case len(k.operands) > 1:
		return k.fatal(fatalf("Too many output files specified"))
	}
	run := k.screenModuli
	if k.modes['M'] == "generate" {
		run = k.generateModuli
	}
	if err := run(ctx); err != nil {
		return k.fatal(err)
	}
	return 0
}

// optionValue splits -O name=value; false for another name.
func optionValue(option, name string) (string, bool) {
	return strings.CutPrefix(option, name+"=")
}

func (k *keygen) generateModuli(ctx context.Context) error {
	var r moduli.Range
	for _, o := range k.options {
		if text, ok := optionValue(o, "start"); ok {
			start, ok := new(big.Int).SetString(text, 16)
			if !ok || start.Sign() <= 0 || start.BitLen() > moduli.MaxBits {
				return fatalf("Invalid start point.")
			}
			r.Start = start
		} else if text, ok := optionValue(o, "bits"); ok {
			n, wrong := number(text, 1, math.MaxInt32)
			if wrong != "" {
				return fatalf("Invalid number: %s (%s)", text, wrong)
			}
			r.Bits = n
		} else {
			return fatalf("Option \"%s\" is unsupported for moduli generation", o)
		}
	}
	return k.toFile(os.O_TRUNC, "modulus candidate", func(w io.Writer) error {
		if _, err := moduli.Generate(ctx, w, r, k.Errorf); err != nil {
			k.Errorf("%s", door.Capital(err.Error()))
			return fatalf("modulus candidate generation failed")
		}
		return nil
	})
}

// toFile opens the output, "-" for standard output.
func (k *keygen) toFile(flag int, what string, write func(io.Writer) error) error {
	out := k.Stdout
	if name := k.operands[0]; name != "-" {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|flag, 0o666)
		if err != nil {
			return fatalf("Couldn't open %s file \"%s\": %s", what, name, reason(err))
		}
		defer f.Close()
		out = f
	}
	w := bufio.NewWriter(out)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

func (k *keygen) screenModuli(ctx context.Context) error {
	s, checkpoint, err := k.screening()
	if err != nil {
		return err
	}
	in := k.Stdin
	if k.hasFile && k.file != "-" {
		f, err := os.Open(k.file)
		if err != nil {
			return fatalf("Couldn't open modulus candidate file \"%s\": %s", k.file, reason(err))
		}
		defer f.Close()
		in = f
	}
	if checkpoint != "" {
		s.Skip = max(s.Skip, k.readCheckpoint(checkpoint))
	}
	return k.toFile(os.O_APPEND, "moduli", func(w io.Writer) error {
		out := w.(*bufio.Writer)
		if checkpoint != "" {
			s.Done = func(line uint64) {
				// What was found must be in the file before the line that says so.
				if out.Flush() == nil {
					k.writeCheckpoint(checkpoint, line)
				}
			}
		}
		if _, err := moduli.Screen(ctx, w, in, s, k.Errorf); err != nil {
			k.Errorf("%s", door.Capital(err.Error()))
			return fatalf("modulus screening failed")
		}
		if checkpoint != "" {
			_ = os.Remove(checkpoint)
		}
		return nil
	})
}

// screening reads -O.
func (k *keygen) screening() (s moduli.Screening, checkpoint string, err error) {
	for _, o := range k.options {
		if text, ok := optionValue(o, "lines"); ok {
			s.Lines, _ = strconv.ParseUint(text, 10, 64) // as strtoul: what is no number is 0
		} else if text, ok := optionValue(o, "start-line"); ok {
			s.Skip, _ = strconv.ParseUint(text, 10, 64)
		} else if text, ok := optionValue(o, "checkpoint"); ok {
			checkpoint = text
		} else if text, ok := optionValue(o, "generator"); ok {
			n, wrong := number(text, 1, math.MaxUint32)
			if wrong != "" {
				return s, "", fatalf("Generator invalid: %s (%s)", text, wrong)
			}
			s.Generator = uint64(n)
		} else if text, ok := optionValue(o, "prime-tests"); ok {
			n, wrong := number(text, 1, math.MaxInt32)
			if wrong != "" {
				return s, "", fatalf("Invalid number: %s (%s)", text, wrong)
			}
			s.Tests = n
		} else {
			return s, "", fatalf("Option \"%s\" is unsupported for moduli screening", o)
		}
	}
	return s, checkpoint, nil
}

func (k *keygen) readCheckpoint(path string) uint64 {
	text, err := door.ReadCapped(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	n, numberErr := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || numberErr != nil {
		k.Errorf("Failed to load checkpoint from '%s'", path)
		return 0
	}
	k.Errorf("Loaded checkpoint from '%s' line %d", path, n)
	return n
}

func (k *keygen) writeCheckpoint(path string, line uint64) {
	err := keyfile.WriteAside(path, 0o600, func(w io.Writer) error {
		_, err := fmt.Fprintln(w, line)
		return err
	})
	if err != nil {
		k.Errorf("failed to write to checkpoint file '%s': %s", path, reason(err))
	}
}
