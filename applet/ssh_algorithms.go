package applet

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/packet"
)

// A query is one thing that -Q lists. names are what it is called: words as they
// stand, keywords of ssh_config in any case.
type query struct {
	words, keywords string // with blanks between them
	hidden          bool   // help doesn't name it
	list            func(config.Known) []string
}

func queries() []query {
	signatures := func(k config.Known) []string { return k.Pubkey.All }
	return []query{
		{"cipher", "Ciphers", false, func(k config.Known) []string { return k.Ciphers.All }},
		{"cipher-auth", "", false, func(k config.Known) []string { return authenticated(k.Ciphers.All) }},
		{"compression", "", false, func(config.Known) []string { return packet.Compressions() }},
		{"kex", "KexAlgorithms", false, func(k config.Known) []string { return k.Kex.All }},
		{"key", "", false, func(config.Known) []string { return append(key.Types(), certTypes()...) }},
		{"key-ca-sign", "CASignatureAlgorithms", true, func(k config.Known) []string { return k.CASignatures.All }},
		{"key-cert", "", false, func(config.Known) []string { return certTypes() }},
		{"key-plain", "", false, func(config.Known) []string { return key.Types() }},
		{"key-sig", "PubkeyAcceptedKeyTypes PubkeyAcceptedAlgorithms HostbasedKeyTypes HostbasedAcceptedKeyTypes HostbasedAcceptedAlgorithms", false, signatures},
		{"", "HostKeyAlgorithms", true, func(k config.Known) []string { return k.HostKeys.All }},
		{"mac", "MACs", false, func(k config.Known) []string { return k.MACs.All }},
		{"protocol-version", "", false, func(config.Known) []string { return []string{"2"} }},
		{"sig", "", false, func(k config.Known) []string { return door.PlainAlgorithms(k.Pubkey.All) }},
	}
}

// authenticated are the ciphers that need no MAC.
func authenticated(ciphers []string) []string {
	return slices.DeleteFunc(slices.Clone(ciphers), func(name string) bool {
		return !strings.Contains(name, "gcm") && !strings.Contains(name, "poly1305")
	})
}

// certTypes are the certificates of the key types that can have one.
func certTypes() []string {
	var names []string
	for _, name := range key.Types() {
		if certified := cert.CertifiedAlgorithm(name); certified != "" {
			names = append(names, certified)
		}
	}
	return names
}

// listSupported answers -Q.
func listSupported(e *door.Env, what string) int {
	if what == "help" {
		for _, q := range queries() {
			if !q.hidden {
				fmt.Fprintln(e.Stdout, q.words)
			}
		}
		return 0
	}
	for _, q := range queries() {
		if !q.answers(what) {
			continue
		}
		for _, name := range q.list(door.KnownAlgorithms()) {
			fmt.Fprintln(e.Stdout, name)
		}
		return 0
	}
	e.Errorf("Unsupported query \"%s\"", what)
	return sshFailed
}

func (q *query) answers(what string) bool {
	return what != "" && what == q.words ||
		slices.ContainsFunc(strings.Fields(q.keywords), func(name string) bool { return strings.EqualFold(name, what) })
}
