package door

import (
	"slices"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/packet"
	"github.com/nacre-ssh/nacre/transport"
)

// KnownAlgorithms tells config the engine's names.
func KnownAlgorithms() config.Known {
	sha1 := func(names []string) []string { return append(names, key.AlgRSASHA1) }
	return config.Known{
		Kex:          config.Algorithms{All: kex.Methods(), Default: kex.Default()},
		Ciphers:      config.Algorithms{All: packet.Ciphers(), Default: packet.DefaultCiphers()},
		MACs:         config.Algorithms{All: packet.MACs(), Default: packet.DefaultMACs()},
		HostKeys:     config.Algorithms{All: sha1(hostKeyAlgorithms()), Default: hostKeyAlgorithms()},
		Pubkey:       config.Algorithms{All: sha1(auth.DefaultAlgorithms()), Default: auth.DefaultAlgorithms()},
		CASignatures: config.Algorithms{All: PlainAlgorithms(sha1(auth.DefaultAlgorithms())), Default: PlainAlgorithms(auth.DefaultAlgorithms())},
	}
}

// hostKeyAlgorithms are offered unless told otherwise: certificates first, which
// a host that has one then shows.
func hostKeyAlgorithms() []string { return append(cert.Algorithms(), transport.DefaultHostKeys()...) }

// PlainAlgorithms leaves the certificate algorithms out.
func PlainAlgorithms(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), cert.IsCertificate)
}
