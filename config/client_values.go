package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// shownOnly is for keywords that steer reading: they have no value to parse
// here, only one to show.
func shownOnly[T any](of func(*T) string) value[T] {
	return value[T]{
		parse: func(_ *T, a *args) error { _, err := a.line(); return err },
		show:  func(t *T) []string { return nonBlank(of(t)) },
	}
}

// one is a value of one word, with a parser and a printer of its own; a
// printer that returns "" prints nothing.
func one[T, V any](field func(*T) *V, parse func(string) (V, error), show func(V) string) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			*field(to), err = parse(word)
			return err
		},
		show: func(of *T) []string { return nonBlank(show(*field(of))) },
	}
}

func portValue[T any](field func(*T) *int) value[T] {
	return one(field, parsePort, strconv.Itoa)
}

// choiceFlag is yes or no and nothing else.
func choiceFlag[T any](field func(*T) *bool) value[T] {
	return one(field, func(word string) (bool, error) {
		on, err := parseFlag(word)
		if err != nil || len(word) > len("yes") {
			return false, complain("unsupported option \"%s\".", word)
		}
		return on, nil
	}, showFlag)
}

// textOrNone is one word, or "none" for nothing.
func textOrNone[T any](field func(*T) *string) value[T] {
	return one(field, func(word string) (string, error) {
		if strings.EqualFold(word, "none") {
			return "", nil
		}
		return word, nil
	}, func(s string) string { return s })
}

// maxIdentities is OpenSSH's SSH_MAX_IDENTITY_FILES.
const maxIdentities = 100

// keyFile takes one name a line, and its default five at once; what says what
// there are too many of.
func keyFile(field func(*Client) *[]string, what string) value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			names := field(to)
			if slices.Contains(*names, word) {
				return nil
			}
			if len(*names) >= maxIdentities {
				return complain("Too many %s files specified (max %d).", what, maxIdentities)
			}
			*names = append(*names, word)
			if a.byDefault {
				*names = append(*names, a.words...)
				a.words = nil
			}
			return nil
		},
		show: func(of *Client) []string { return *field(of) },
	}
}

func sendEnv() value[Client] {
	v := collect(func(c *Client) *[]string { return &c.SendEnv }, envName)
	add := v.parse
	v.parse = func(to *Client, a *args) error {
		mark := len(to.SendEnv)
		if err := add(to, a); err != nil {
			return err
		}
		added := to.SendEnv[mark:]
		to.SendEnv = to.SendEnv[:mark:mark]
		for _, name := range added {
			if like, ok := strings.CutPrefix(name, "-"); ok {
				to.SendEnv = withoutMatches(to.SendEnv, like)
			} else {
				to.SendEnv = append(to.SendEnv, name)
			}
		}
		return nil
	}
	return v
}

func withoutMatches(names []string, like string) []string {
	var kept []string
	for _, name := range names {
		if !pattern.Match(name, like) {
			kept = append(kept, name)
		}
	}
	return kept
}

func setEnv() value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			pairs, err := a.all()
			if err != nil {
				return err
			}
			seen := map[string]bool{}
			for _, pair := range pairs {
				name, _, ok := strings.Cut(pair, "=")
				if !ok {
					return complain("Invalid SetEnv.")
				}
				if !seen[name] {
					to.SetEnv = append(to.SetEnv, pair)
				}
				seen[name] = true
			}
			return nil
		},
		show: func(of *Client) []string { return of.SetEnv },
	}
}

// ParseEscape reads an escape character: one character, ^ with a letter, or
// none (EscapeNone). It serves -e as well.
func ParseEscape(word string) (int, error) {
	switch {
	case word == "none":
		return EscapeNone, nil
	case len(word) == 1:
		return int(word[0]), nil
	case len(word) == 2 && word[0] == '^' && word[1] >= 64 && word[1] < 128:
		return int(word[1] & 31), nil
	}
	return 0, complain("Bad escape character.")
}

// showEscape prints like vis(3), as ssh -G does.
func showEscape(c int) string {
	switch {
	case c == EscapeNone:
		return "none"
	case c > ' ' && c < 0x7f && c != '\\':
		return string(rune(c))
	case c == '\\':
		return `\\`
	case c < ' ' || c == 0x7f:
		return `\^` + string(rune(c^0x40))
	case c&0x7f > ' ' && c != 0xff:
		return `\M-` + string(rune(c&0x7f))
	case c&0x7f != ' ' && c > 0x7f:
		return `\M^` + string(rune(c&0x7f^0x40))
	}
	return fmt.Sprintf(`\%03o`, c)
}

// forwards collects forwards: two words a line, one for a dynamic one.
func forwards(field func(*Client) *[]Forward, kind ForwardKind) value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			spec, err := a.next()
			if err != nil {
				return err
			}
			as := kind
			switch target, err := a.next(); {
			case kind == ForwardDynamic && err == nil:
				a.words = append([]string{target}, a.words...) // too many words
			case kind == ForwardLocal && err != nil:
				return complain("Missing target argument.")
			case kind == ForwardRemote && err != nil:
				as = ForwardDynamic
			case err == nil:
				spec += ":" + target
			}
			f, err := parseForwardLine(spec, as, kind, a)
			if err != nil {
				return err
			}
			return addForward(field(to), f)
		},
		show: func(of *Client) []string {
			var lines []string
			for _, f := range *field(of) {
				line := f.String()
				if f.Dynamic && kind == ForwardRemote {
					line += " [socks]:0"
				}
				lines = append(lines, line)
			}
			return lines
		},
	}
}

// parseForwardLine: a remote forward of one word is dynamic, with port 0
// allowed all the same.
func parseForwardLine(spec string, as, kind ForwardKind, a *args) (Forward, error) {
	if as == ForwardDynamic && kind == ForwardRemote {
		f, err := ParseForward(spec, ForwardRemote, a.getenv)
		if err == nil && !f.Dynamic {
			err = complain("Bad forwarding specification.")
		}
		return f, err
	}
	f, err := ParseForward(spec, as, a.getenv)
	if err == nil && f.Dynamic != (as == ForwardDynamic) {
		err = complain("Bad forwarding specification.")
	}
	return f, err
}

// addForward keeps each forward once.
func addForward(list *[]Forward, f Forward) error {
	if slices.Contains(*list, f) {
		return nil
	}
	if len(*list) >= maxList {
		return fmt.Errorf("too many forwards (at most %d)", maxList)
	}
	*list = append(*list, f)
	return nil
}

// proxyCommand counts only where no ProxyJump came before it.
func proxyCommand() value[Client] {
	v := command(func(c *Client) *string { return &c.ProxyCommand })
	parse := v.parse
	v.parse = func(to *Client, a *args) error {
		if len(to.ProxyJump) > 0 {
			to = new(Client)
		}
		return parse(to, a)
	}
	return v
}

// proxyJump counts only where no ProxyCommand came before it.
func proxyJump() value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			line, err := a.line()
			if err != nil {
				return err
			}
			line, _, _ = strings.Cut(line, "#")
			line = strings.TrimRight(line, blanks)
			hops, err := ParseJump(line, a.commandLine)
			if err != nil {
				return complain("Invalid ProxyJump \"%s\"", printable(line))
			}
			if _, taken := a.origins["proxycommand"]; !taken {
				to.ProxyJump = hops
				to.jumpExtra = line[:max(strings.LastIndexByte(line, ','), 0)]
			}
			return nil
		},
		show: func(of *Client) []string {
			if len(of.ProxyJump) == 0 {
				return nil
			}
			last := of.ProxyJump[len(of.ProxyJump)-1].String()
			return []string{strings.TrimPrefix(of.jumpExtra+","+last, ",")}
		},
	}
}

// connectTimeout tells 0 from none in the dump, though both mean the system's.
func connectTimeout() value[Client] {
	v := seconds(func(c *Client) *time.Duration { return &c.ConnectTimeout }, "none")
	show := v.show
	v.show = func(of *Client) []string {
		if said := of.written["connecttimeout"]; of.ConnectTimeout == 0 && said != "" && said != "none" {
			return []string{"0"}
		}
		return show(of)
	}
	return v
}
