package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/internal/pattern"
)

// Algorithms are the names of one kind that the engine has.
type Algorithms struct {
	All     []string // every name it can do
	Default []string // what it offers when nothing is said, best first
}

// Known are the algorithm names that keywords are checked against. The zero
// value checks nothing: names are then taken as they stand. Shared, read only.
type Known struct {
	Kex, Ciphers, MACs Algorithms
	HostKeys           Algorithms // HostKeyAlgorithms
	Pubkey             Algorithms // PubkeyAcceptedAlgorithms, HostbasedAcceptedAlgorithms
	CASignatures       Algorithms // CASignatureAlgorithms
}

// Choose is the list that a keyword's value makes of the default one, such as
// "+name" or "name,name".
func (a Algorithms) Choose(value string) ([]string, error) { return a.resolve(value, false) }

// resolve makes a list of names out of a keyword's value: a plain list
// replaces the default, "+" appends to it, "-" takes from it (patterns), "^"
// puts names at its head. Patterns are matched against All; a plain name that
// isn't in All is refused unless wildcards are not allowed to hide it.
func (a Algorithms) resolve(value string, wildcards bool) ([]string, error) {
	mode, list := byte(0), value
	if value != "" && strings.IndexByte("+-^", value[0]) >= 0 {
		mode, list = value[0], value[1:]
	}
	if mode == '-' {
		return nonEmpty(without(a.Default, list))
	}
	names, err := a.expand(list, wildcards)
	if err != nil {
		return nil, err
	}
	switch mode {
	case '+':
		names = append(slices.Clone(a.Default), names...)
	case '^':
		names = append(names, a.Default...)
	}
	return nonEmpty(unique(names))
}

// expand turns a comma-separated list of names or patterns into names.
func (a Algorithms) expand(list string, wildcards bool) ([]string, error) {
	var names []string
	for _, name := range strings.Split(list, ",") {
		switch {
		case name == "":
			return nil, fmt.Errorf("empty name in '%s'", list)
		case len(a.All) == 0 || slices.Contains(a.All, name):
			names = append(names, name)
		case wildcards && strings.ContainsAny(name, "*?") && name[0] != '!':
			for _, have := range a.All {
				if pattern.Match(have, name) {
					names = append(names, have)
				}
			}
		default:
			return nil, fmt.Errorf("unknown name '%s'", name)
		}
	}
	return names, nil
}

func without(names []string, list string) []string {
	var kept []string
	for _, name := range names {
		if pattern.List(name, list) != pattern.Yes {
			kept = append(kept, name)
		}
	}
	return kept
}

// nonEmpty refuses a list that leaves nothing to offer.
func nonEmpty(names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, fmt.Errorf("no algorithm is left")
	}
	return names, nil
}

func unique(names []string) []string {
	var kept []string
	for _, name := range names {
		if !slices.Contains(kept, name) {
			kept = append(kept, name)
		}
	}
	return kept
}
