package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// choiceOf is one of a few words with a flag's meaning.
func choiceOf[T any](field func(*T) *bool, meaning map[string]bool) value[T] {
	return one(field, func(word string) (bool, error) {
		on, ok := meaning[strings.ToLower(word)]
		if !ok {
			return false, complain("unsupported option \"%s\".", word)
		}
		return on, nil
	}, showFlag)
}

func parseHash(word string) (string, error) {
	for _, name := range []string{"SHA256", "MD5"} {
		if strings.EqualFold(word, name) {
			return name, nil
		}
	}
	return "", complain("Invalid hash algorithm \"%s\".", word)
}

// keystrokeInterval is what "yes" means, as in OpenSSH.
const keystrokeInterval = 20 * time.Millisecond

func keystrokes() value[Client] {
	return one(func(c *Client) *time.Duration { return &c.ObscureKeystrokeTiming }, parseKeystrokes, showKeystrokes)
}

func parseKeystrokes(word string) (time.Duration, error) {
	switch word {
	case "yes", "true":
		return keystrokeInterval, nil
	case "no", "false":
		return 0, nil
	}
	text, ok := strings.CutPrefix(word, "interval:")
	if !ok {
		return 0, complain("unsupported argument \"%s\"", word)
	}
	n, err := parseNumber(text, -1<<31)
	if err != nil {
		return 0, err
	}
	if n <= 0 || n > 1000 {
		return 0, complain("value out of range.")
	}
	return time.Duration(n) * time.Millisecond, nil
}

func showKeystrokes(d time.Duration) string {
	switch d {
	case 0:
		return "no"
	case keystrokeInterval:
		return "yes"
	}
	return strconv.FormatInt(d.Milliseconds(), 10)
}

// agentPath is the socket of an agent, or a variable that names it; shown is
// what the dump has for it.
func agentPath(field func(*Client) *string, shown func(*Client) string) value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			if err := checkAgentPath(word, a); err != nil {
				return err
			}
			*field(to) = word
			return nil
		},
		show: func(of *Client) []string { return nonBlank(shown(of)) },
	}
}

func checkAgentPath(word string, a *args) error {
	t := tokens{getenv: a.getenv}
	if _, err := t.variables(word); err != nil {
		return complain("Invalid environment expansion %s.", printable(word))
	}
	if name, ok := strings.CutPrefix(word, "$"); ok && !strings.HasPrefix(name, "{") && !validEnvName(name) {
		return complain("Invalid environment name %s.", printable(word))
	}
	return nil
}

func forwardAgent() value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			if on, err := parseFlag(word); err == nil {
				to.ForwardAgent = on
				return nil
			}
			if err := checkAgentPath(word, a); err != nil {
				return err
			}
			to.ForwardAgent, to.ForwardAgentSocket = true, word
			return nil
		},
		show: func(of *Client) []string {
			if of.ForwardAgentSocket != "" {
				return []string{of.ForwardAgentSocket}
			}
			return []string{showFlag(of.ForwardAgent)}
		},
	}
}

// addendum is the rest of the line up to a comment.
func addendum() value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			line, err := a.line()
			if err != nil {
				return err
			}
			if strings.ContainsRune(line, '\r') {
				return complain("Invalid versionaddendum argument")
			}
			line, _, _ = strings.Cut(line, "#")
			line = strings.TrimRight(line, blanks)
			if strings.EqualFold(line, "none") {
				line = ""
			}
			to.VersionAddendum = line
			return nil
		},
		show: func(of *Client) []string {
			if _, said := of.origins["versionaddendum"]; !said {
				return nil
			}
			return []string{of.VersionAddendum}
		},
	}
}

func addKeys() value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) (err error) {
			to.AddKeysToAgent, err = parseAddKeys(a)
			return err
		},
		show: func(of *Client) []string {
			add := of.AddKeysToAgent
			switch life := int64(add.Lifetime / time.Second); {
			case life > 0 && add.Mode == "confirm":
				return []string{"confirm " + strconv.FormatInt(life, 10)}
			case life > 0:
				return []string{strconv.FormatInt(life, 10)}
			}
			shown := map[string]string{"yes": "true", "no": "false"}[add.Mode]
			return nonBlank(orElse(shown, add.Mode))
		},
	}
}

func parseAddKeys(a *args) (add AddKeysToAgent, err error) {
	word, err := a.next()
	if err != nil {
		return add, err
	}
	modes := map[string]string{"true": "yes", "yes": "yes", "false": "no", "no": "no", "ask": "ask", "confirm": "confirm"}
	mode, known := modes[strings.ToLower(word)]
	life, more := a.next()
	switch {
	case mode == "confirm" && more == nil:
		add.Mode = mode
		add.Lifetime, err = ParseTime(life)
		return add, err
	case more == nil:
		return add, complain("unsupported option")
	case known:
		return AddKeysToAgent{Mode: mode}, nil
	}
	if add.Lifetime, err = ParseTime(word); err != nil {
		return add, complain("unsupported option")
	}
	add.Mode = "yes"
	return add, nil
}

func controlPersist() value[Client] {
	return one(func(c *Client) *ControlPersist { return &c.ControlPersist }, parseControlPersist, func(p ControlPersist) string {
		if p.On && p.Idle > 0 {
			return strconv.FormatInt(int64(p.Idle/time.Second), 10)
		}
		return showFlag(p.On)
	})
}

func parseControlPersist(word string) (ControlPersist, error) {
	switch word {
	case "no", "false":
		return ControlPersist{}, nil
	case "yes", "true":
		return ControlPersist{On: true}, nil
	}
	idle, err := ParseTime(word)
	if err != nil {
		return ControlPersist{}, complain("Bad ControlPersist argument.")
	}
	return ControlPersist{true, idle}, nil
}

func ipQoS[T any](field func(*T) *IPQoS) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			q, err := parseQoS(word)
			if err != nil {
				return err
			}
			*field(to) = IPQoS{q, q}
			if word, err = a.next(); err == nil {
				field(to).Bulk, err = parseQoS(word)
				return err
			}
			return nil
		},
		show: func(of *T) []string {
			return []string{field(of).Interactive.String() + " " + field(of).Bulk.String()}
		},
	}
}

func bindMask() value[Client] {
	return one(func(c *Client) *uint32 { return &c.StreamLocalBindMask }, func(word string) (uint32, error) {
		n, err := strconv.ParseUint(word, 8, 32)
		if err != nil || n > 0o777 {
			return 0, complain("Bad mask.")
		}
		return uint32(n), nil
	}, func(mask uint32) string { return fmt.Sprintf("0%o", mask) })
}
