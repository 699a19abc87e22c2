package applet

import (
	"fmt"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/transport"
)

// knownAlgorithms tells config the engine's names.
func knownAlgorithms() config.Known {
	sha1 := func(names []string) []string { return append(names, key.AlgRSASHA1) }
	return config.Known{
		Kex:      config.Algorithms{All: kex.Methods(), Default: kex.Default()},
		Ciphers:  config.Algorithms{All: packet.Ciphers(), Default: packet.DefaultCiphers()},
		MACs:     config.Algorithms{All: packet.MACs(), Default: packet.DefaultMACs()},
		HostKeys: config.Algorithms{All: sha1(transport.DefaultHostKeys()), Default: transport.DefaultHostKeys()},
		Pubkey:   config.Algorithms{All: sha1(auth.DefaultAlgorithms()), Default: auth.DefaultAlgorithms()},
	}
}

// queries are what -Q lists.
var queries = [...]struct {
	name string
	list func(config.Known) []string
}{
	{"cipher", func(k config.Known) []string { return k.Ciphers.All }},
	{"ciphers", func(k config.Known) []string { return k.Ciphers.All }},
	{"mac", func(k config.Known) []string { return k.MACs.All }},
	{"macs", func(k config.Known) []string { return k.MACs.All }},
	{"kex", func(k config.Known) []string { return k.Kex.All }},
	{"kexalgorithms", func(k config.Known) []string { return k.Kex.All }},
	{"key", func(config.Known) []string { return key.Types() }},
	{"sig", func(k config.Known) []string { return k.Pubkey.All }},
	{"hostkeyalgorithms", func(k config.Known) []string { return k.HostKeys.All }},
	{"pubkeyacceptedalgorithms", func(k config.Known) []string { return k.Pubkey.All }},
	{"compression", func(config.Known) []string { return packet.Compressions() }},
}

// listSupported answers -Q.
func listSupported(e *Env, what string) int {
	for _, q := range queries {
		if q.name != what {
			continue
		}
		for _, name := range q.list(knownAlgorithms()) {
			fmt.Fprintln(e.Stdout, name)
		}
		return 0
	}
	e.Errorf("Unsupported query \"%s\"", what)
	return 255
}
