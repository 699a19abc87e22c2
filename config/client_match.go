package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// sshRelease is what Match version sees: the OpenSSH whose ssh_config this is.
const sshRelease = "OpenSSH_10.0p2"

// matchLine opens a block for the connections that meet all its conditions.
func (l *clientLoader) matchLine(a *args) error {
	l.fillTokens()
	words := a.words
	result, seen := !l.never, 0
	l.active = false // whatever goes wrong, the block doesn't apply
	for len(words) > 0 {
		attribute, negated := strings.CutPrefix(words[0], "!")
		words = words[1:]
		name, arg, glued := strings.Cut(attribute, "=")
		name = strings.ToLower(name)
		if name == "all" {
			if seen > 1 || len(words) > 0 || glued {
				return fmt.Errorf("'%s' cannot be combined with other Match attributes", printable(attribute))
			}
			l.active = result && !negated
			return nil
		}
		seen++
		if name == "canonical" || name == "final" {
			l.wants = l.wants || name == "final" && !negated
			result = result && l.final != negated
			continue
		}
		if !glued {
			if len(words) == 0 {
				return fmt.Errorf("missing argument for Match '%s'", printable(attribute))
			}
			arg, words = words[0], words[1:]
		}
		ok, err := l.matches(name, arg, result)
		if err != nil {
			return err
		}
		result = result && ok != negated
	}
	if seen == 0 {
		return errors.New("one or more attributes required for Match")
	}
	l.active = result
	return nil
}

// matches judges one condition. A command runs only while needed: while all
// conditions before it held.
func (l *clientLoader) matches(name, arg string, needed bool) (bool, error) {
	if arg == "" && name != "tagged" && name != "command" {
		return false, fmt.Errorf("missing Match criteria for %s", printable(name))
	}
	switch name {
	case "host":
		return pattern.List(strings.ToLower(l.t.host), strings.ToLower(arg)) == pattern.Yes, nil
	case "originalhost":
		return pattern.List(strings.ToLower(l.q.Host), strings.ToLower(arg)) == pattern.Yes, nil
	case "user":
		return pattern.List(l.t.remoteUser, arg) == pattern.Yes, nil
	case "localuser":
		return pattern.List(l.q.LocalUser, arg) == pattern.Yes, nil
	case "localnetwork":
		return onNetwork(arg)
	case "version":
		return pattern.List(sshRelease, arg) == pattern.Yes, nil
	case "tagged":
		return matchOrEmpty(l.into.Tag, arg), nil
	case "command":
		return matchOrEmpty(l.q.Command, arg), nil
	case "sessiontype":
		return pattern.List(l.sessionType(), arg) == pattern.Yes, nil
	case "exec":
		return l.matchExec(arg, needed)
	}
	return false, fmt.Errorf("unsupported Match attribute %s", printable(name))
}

// matchOrEmpty: nothing is matched by the empty pattern alone.
func matchOrEmpty(s, list string) bool {
	if s == "" {
		return list == ""
	}
	return pattern.List(s, list) == pattern.Yes
}

func (l *clientLoader) sessionType() string {
	switch {
	case l.into.SessionType == "subsystem" || l.into.SessionType == "none":
		return l.into.SessionType
	case l.q.Command != "":
		return "exec"
	}
	return "shell"
}

func (l *clientLoader) matchExec(arg string, needed bool) (bool, error) {
	command, err := l.t.percent(arg, "")
	if err != nil || !needed {
		return false, err
	}
	if l.q.Exec != nil {
		return l.q.Exec(command)
	}
	return runInShell(command)
}

// runInShell says whether the user's shell ran the command with success. A
// shell is right here: the user wrote the line for one.
func runInShell(command string) (bool, error) {
	child := shellCommand(command)
	child.Stderr = os.Stderr
	err := child.Run()
	var status *exec.ExitError
	if errors.As(err, &status) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("match exec '%s': %w", printable(command), err)
	}
	return true, nil
}

// onNetwork says whether this machine has an address in one of the blocks.
func onNetwork(list string) (bool, error) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false, fmt.Errorf("match localnetwork: %w", err)
	}
	found := false
	for _, word := range strings.Split(list, ",") {
		word, negated := strings.CutPrefix(word, "!")
		block, err := parseBlock(word)
		if err != nil {
			return false, fmt.Errorf("match localnetwork: '%s' is no network such as 192.0.2.0/24", printable(word))
		}
		if !anyIn(addrs, block) {
			continue
		}
		if negated {
			return false, nil
		}
		found = true
	}
	return found, nil
}

func parseBlock(word string) (netip.Prefix, error) {
	if addr, err := netip.ParseAddr(word); err == nil {
		return addr.Prefix(addr.BitLen())
	}
	return netip.ParsePrefix(word)
}

func anyIn(addrs []net.Addr, block netip.Prefix) bool {
	for _, addr := range addrs {
		if have, err := netip.ParsePrefix(addr.String()); err == nil && block.Contains(have.Addr().Unmap()) {
			return true
		}
	}
	return false
}
