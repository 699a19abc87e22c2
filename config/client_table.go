package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// clientTable is ssh_config: a row a keyword, in the order of ssh -G. It is
// made when it is asked for, so that a program that reads no configuration pays
// nothing for it.
func clientTable() []row[Client] {
	type c = Client
	return []row[c]{
		{"Host", shownOnly(func(c *c) string { return c.Host }), "", false, anywhere, "Begins a block for the hosts that match its patterns."},
		{"User", text(func(c *c) *string { return &c.User }), "", false, anywhere, "The user to log in as."},
		{"HostName", text(func(c *c) *string { return &c.HostName }), "", false, anywhere, "The real name or address to connect to; %h is the name as typed."},
		{"Port", portValue(func(c *c) *int { return &c.Port }), "22", false, anywhere, "The port on the remote host."},
		{"AddressFamily", choice(func(c *c) *string { return &c.AddressFamily }, "any", "any", "inet", "inet", "inet6", "inet6"), "any", false, anywhere, "Which addresses to connect to: any, inet or inet6."},
		{"BatchMode", flag(func(c *c) *bool { return &c.BatchMode }), "no", false, anywhere, "Never ask: no passwords, no passphrases, no host-key questions."},
		{"Compression", choiceFlag(func(c *c) *bool { return &c.Compression }), "no", false, anywhere, "Compress what is sent and received."},
		{"HashKnownHosts", flag(func(c *c) *bool { return &c.HashKnownHosts }), "no", false, anywhere, "Hide host names that are added to known_hosts."},
		{"IdentitiesOnly", flag(func(c *c) *bool { return &c.IdentitiesOnly }), "no", false, anywhere, "Offer the configured identities only, even if the agent has more."},
		{"KbdInteractiveAuthentication", flag(func(c *c) *bool { return &c.KbdInteractiveAuthentication }), "yes", false, anywhere, "Answer the server's questions."},
		{"NoHostAuthenticationForLocalhost", flag(func(c *c) *bool { return &c.NoHostAuthenticationForLocalhost }), "no", false, anywhere, "Don't check the host key of a loopback address."},
		{"PasswordAuthentication", flag(func(c *c) *bool { return &c.PasswordAuthentication }), "yes", false, anywhere, "Log in with a password."},
		{"PubkeyAuthentication", choice(func(c *c) *string { return &c.PubkeyAuthentication },
			"true", "yes", "false", "no", "yes", "yes", "no", "no", "unbound", "unbound", "host-bound", "host-bound"), "yes", false, anywhere, "Log in with a key: yes, no, unbound or host-bound."},
		{"RequestTTY", choice(func(c *c) *RequestTTY { return &c.RequestTTY },
			"true", "yes", "false", "no", "yes", "yes", "no", "no", "force", "force", "auto", "auto"), "auto", false, anywhere, "Ask for a terminal: no, yes, force or auto."},
		{"SessionType", choice(func(c *c) *string { return &c.SessionType }, "none", "none", "subsystem", "subsystem", "default", "default"), "default", false, anywhere, "What to open: default, none (like -N) or subsystem (like -s)."},
		{"StdinNull", flag(func(c *c) *bool { return &c.StdinNull }), "no", false, anywhere, "Read nothing from standard input (like -n)."},
		{"StrictHostKeyChecking", choice(func(c *c) *StrictHostKeyChecking { return &c.StrictHostKeyChecking },
			"true", "yes", "false", "no", "yes", "yes", "no", "no", "off", "no", "ask", "ask", "accept-new", "accept-new"), "ask", false, anywhere, "What to do with an unknown host key: yes, accept-new, ask or no."},
		{"TCPKeepAlive", flag(func(c *c) *bool { return &c.TCPKeepAlive }), "yes", false, anywhere, "Let the system notice a dead connection."},
		{"UpdateHostKeys", choice(func(c *c) *string { return &c.UpdateHostKeys },
			"true", "yes", "false", "no", "yes", "yes", "no", "no", "ask", "ask"), "", false, anywhere, "Learn the server's other host keys once it has proved them."},
		{"RequireStrictKex", flag(func(c *c) *bool { return &c.RequireStrictKex }), "no", false, anywhere, "Refuse a server without strict key exchange (nacre)."},
		{"ConnectionAttempts", number(func(c *c) *int { return &c.ConnectionAttempts }, 1), "1", false, anywhere, "How often to try, once a second."},
		{"NumberOfPasswordPrompts", number(func(c *c) *int { return &c.NumberOfPasswordPrompts }, 0), "3", false, anywhere, "How often to ask for a password."},
		{"ServerAliveCountMax", number(func(c *c) *int { return &c.ServerAliveCountMax }, 0), "3", false, anywhere, "How many unanswered keepalives end the connection."},
		{"ServerAliveInterval", seconds(func(c *c) *time.Duration { return &c.ServerAliveInterval }, "0"), "0", false, anywhere, "How long to hear nothing before a keepalive is sent."},
		{"RequiredRSASize", number(func(c *c) *int { return &c.RequiredRSASize }, 0), "1024", false, anywhere, "The smallest RSA key to accept, in bits."},
		{"FingerprintHash", choice(func(c *c) *string { return &c.FingerprintHash }, "SHA256", "SHA256", "MD5", "MD5"), "SHA256", false, anywhere, "The hash that fingerprints are shown with."},
		{"BindAddress", text(func(c *c) *string { return &c.BindAddress }), "", false, anywhere, "The local address to connect from."},
		{"Ciphers", algorithms(func(c *c) *[]string { return &c.Ciphers }, func(k *Known) Algorithms { return k.Ciphers }, false, "Bad SSH2 cipher spec '%s'."), "default", false, anywhere, "Ciphers, best first; +, - and ^ change the default list."},
		{"ControlPath", command(func(c *c) *string { return &c.ControlPath }), "", false, anywhere, "The socket of a shared connection."},
		{"HostKeyAlgorithms", algorithms(func(c *c) *[]string { return &c.HostKeyAlgorithms }, func(k *Known) Algorithms { return k.HostKeys }, true, "Bad key types '%s'."), "default", false, anywhere, "Host key algorithms, best first."},
		{"HostKeyAlias", text(func(c *c) *string { return &c.HostKeyAlias }), "", false, anywhere, "The name to look the host key up by."},
		{"IdentityAgent", text(func(c *c) *string { return &c.IdentityAgent }), "", false, anywhere, "The agent's socket; none for no agent."},
		{"IgnoreUnknown", shownOnly(func(c *c) string { return c.ignored }), "", false, anywhere, "Patterns of unknown keywords that are no error."},
		{"KexAlgorithms", algorithms(func(c *c) *[]string { return &c.KexAlgorithms }, func(k *Known) Algorithms { return k.Kex }, false, "Bad SSH2 KexAlgorithms '%s'."), "default", false, anywhere, "Key exchanges, best first."},
		{"RemoteCommand", command(func(c *c) *string { return &c.RemoteCommand }), "", false, anywhere, "The command to run instead of a shell."},
		{"LogLevel", logLevel(func(c *c) *LogLevel { return &c.LogLevel }), "INFO", false, anywhere, "How much to say: QUIET, FATAL, ERROR, INFO, VERBOSE, DEBUG, DEBUG2, DEBUG3."},
		{"MACs", algorithms(func(c *c) *[]string { return &c.MACs }, func(k *Known) Algorithms { return k.MACs }, false, "Bad SSH2 MAC spec '%s'."), "default", false, anywhere, "Message authentication codes, best first."},
		{"PreferredAuthentications", text(func(c *c) *string { return &c.PreferredAuthentications }), "", false, anywhere, "The order of authentication methods."},
		{"PubkeyAcceptedAlgorithms", algorithms(func(c *c) *[]string { return &c.PubkeyAcceptedAlgorithms }, func(k *Known) Algorithms { return k.Pubkey }, true, "Bad key types '%s'."), "default", false, anywhere, "Signature algorithms to log in with."},
		{"Tag", text(func(c *c) *string { return &c.tag }), "", false, anywhere, "A name that Match tagged can ask for."},
		{"IdentityFile", identityFile(), "~/.ssh/id_rsa ~/.ssh/id_ecdsa ~/.ssh/id_ecdsa_sk ~/.ssh/id_ed25519 ~/.ssh/id_ed25519_sk", true, anywhere, "A private key to log in with; may be given many times."},
		{"GlobalKnownHostsFile", words(func(c *c) *[]string { return &c.GlobalKnownHostsFile }), "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2", false, anywhere, "The system's files of host keys."},
		{"UserKnownHostsFile", words(func(c *c) *[]string { return &c.UserKnownHostsFile }), "~/.ssh/known_hosts ~/.ssh/known_hosts2", false, anywhere, "The user's files of host keys."},
		{"SendEnv", sendEnv(), "", true, anywhere, "Variables to send, as patterns; -NAME takes back."},
		{"SetEnv", setEnv(), "", false, anywhere, "NAME=value variables to send."},
		{"ConnectTimeout", seconds(func(c *c) *time.Duration { return &c.ConnectTimeout }, "none"), "none", false, anywhere, "How long connecting may take."},
		{"EscapeChar", escapeChar(), "~", false, anywhere, "The character that begins an escape; none for no escapes."},
		{"RekeyLimit", rekeyLimit(func(c *c) *RekeyLimit { return &c.RekeyLimit }), "default none", false, anywhere, "How many bytes, and how much time, until new keys are made."},
	}
}

// clientAliases are old names, and what they are called now.
func clientAliases() [][2]string {
	return [][2]string{
		{"ChallengeResponseAuthentication", "KbdInteractiveAuthentication"},
		{"SKeyAuthentication", "KbdInteractiveAuthentication"},
		{"TISAuthentication", "KbdInteractiveAuthentication"},
		{"DSAAuthentication", "PubkeyAuthentication"},
		{"IdentityFile2", "IdentityFile"},
		{"KeepAlive", "TCPKeepAlive"},
		{"PubkeyAcceptedKeyTypes", "PubkeyAcceptedAlgorithms"},
	}
}

// shownOnly is for keywords that steer reading: they have no value to parse
// here, only one to show.
func shownOnly[T any](of func(*T) string) value[T] {
	return value[T]{
		parse: func(_ *T, a *args) error { _, err := a.line(); return err },
		show:  func(t *T) []string { return nonBlank(of(t)) },
	}
}

func portValue[T any](field func(*T) *int) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			*field(to), err = parsePort(word)
			return err
		},
		show: func(of *T) []string { return []string{strconv.Itoa(*field(of))} },
	}
}

// choiceFlag is yes or no and nothing else.
func choiceFlag[T any](field func(*T) *bool) value[T] {
	return value[T]{
		parse: func(to *T, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			if *field(to), err = parseFlag(word); err != nil || len(word) > len("yes") {
				return complain("unsupported option \"%s\".", word)
			}
			return nil
		},
		show: func(of *T) []string { return []string{showFlag(*field(of))} },
	}
}

// maxIdentities is OpenSSH's SSH_MAX_IDENTITY_FILES.
const maxIdentities = 100

// identityFile takes one name a line, and its default five at once.
func identityFile() value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			if slices.Contains(to.IdentityFile, word) {
				return nil
			}
			if len(to.IdentityFile) >= maxIdentities {
				return complain("Too many identity files specified (max %d).", maxIdentities)
			}
			to.IdentityFile = append(to.IdentityFile, word)
			if a.byDefault {
				to.IdentityFile = append(to.IdentityFile, a.words...)
				a.words = nil
			}
			return nil
		},
		show: func(of *Client) []string { return of.IdentityFile },
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
			if pattern, ok := strings.CutPrefix(name, "-"); ok {
				to.SendEnv = withoutMatches(to.SendEnv, pattern)
			} else {
				to.SendEnv = append(to.SendEnv, name)
			}
		}
		return nil
	}
	return v
}

func withoutMatches(names []string, word string) []string {
	var kept []string
	for _, name := range names {
		if !pattern.Match(name, word) {
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

func escapeChar() value[Client] {
	return value[Client]{
		parse: func(to *Client, a *args) error {
			word, err := a.next()
			if err != nil {
				return err
			}
			to.EscapeChar, err = ParseEscape(word)
			return err
		},
		show: func(of *Client) []string { return []string{showEscape(of.EscapeChar)} },
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
	}
	return fmt.Sprintf(`\%03o`, c)
}
