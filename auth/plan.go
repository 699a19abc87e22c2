package auth

import (
	"slices"
	"strings"
)

// plan is what is still to be done: the alternatives of AuthenticationMethods,
// each an ordered list of methods.
type plan [][]string

func newPlan(alternatives [][]string) plan {
	var p plan
	for _, list := range alternatives {
		if len(list) > 0 { // a list without steps would let anybody in
			p = append(p, slices.Clone(list))
		}
	}
	return p
}

// next lists the methods that can continue, each once.
func (p plan) next() []string {
	var names []string
	for _, list := range p {
		name := methodOf(list[0])
		// RFC 4252, section 5.2: none must not be listed.
		if name != methodNone && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (p plan) allows(method string) bool {
	return slices.ContainsFunc(p, func(list []string) bool { return methodOf(list[0]) == method })
}

// advance strikes method off every alternative that begins with it, and tells
// whether one of them is done with.
func (p plan) advance(method string) (done bool) {
	for i, list := range p {
		if methodOf(list[0]) != method {
			continue
		}
		if len(list) == 1 {
			return true
		}
		p[i] = list[1:]
	}
	return false
}

// methodOf drops the device of "keyboard-interactive:pam".
func methodOf(step string) string {
	name, _, _ := strings.Cut(step, ":")
	return name
}
