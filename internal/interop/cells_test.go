package interop

import (
	"slices"
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// The kinds of algorithm that a cell is about.
const (
	kexes    = "kex"
	ciphers  = "cipher"
	macs     = "mac"
	hostKeys = "hostkey"
)

// algorithms are names by kind.
type algorithms map[string][]string

// nacres is what nacre promises, on by default or not.
var nacres = algorithms{
	kexes: {
		"mlkem768x25519-sha256",
		"sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com",
		"curve25519-sha256", "curve25519-sha256@libssh.org",
		"ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
		"diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
		"diffie-hellman-group-exchange-sha256",
		"diffie-hellman-group14-sha1",
	},
	ciphers: {
		"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com",
		"aes128-ctr", "aes192-ctr", "aes256-ctr",
		"aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc",
	},
	macs: {
		"umac-64-etm@openssh.com", "umac-128-etm@openssh.com", "umac-64@openssh.com", "umac-128@openssh.com",
		"hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512",
		"hmac-sha1-etm@openssh.com", "hmac-sha1",
	},
	hostKeys: {
		"ssh-ed25519",
		"ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
		"rsa-sha2-256", "rsa-sha2-512", "ssh-rsa",
	},
}

func offered(o testpeer.Offer) algorithms {
	return algorithms{kexes: o.Kex, ciphers: o.Cipher, macs: o.MAC, hostKeys: o.HostKey}
}

// both are the names in a and b, in a's order.
func (a algorithms) both(b algorithms) algorithms {
	c := algorithms{}
	for kind, names := range a {
		for _, name := range names {
			if slices.Contains(b[kind], name) {
				c[kind] = append(c[kind], name)
			}
		}
	}
	return c
}

// cell is one algorithm that both sides know.
type cell struct {
	kind       string
	algorithms testpeer.Algorithms // what both sides are restricted to
}

func (c cell) name() string {
	a := c.algorithms
	return c.kind + "/" + map[string]string{kexes: a.Kex, ciphers: a.Cipher, macs: a.MAC, hostKeys: a.HostKey}[c.kind]
}

// cells are all that the subject and a peer with this offer should manage.
func (w *world) cells(t *testing.T, offer testpeer.Offer) []cell {
	t.Helper()
	common := w.knows.both(offered(offer))
	for _, kind := range []string{kexes, ciphers, macs, hostKeys} {
		if len(common[kind]) == 0 {
			t.Fatalf("no %s in common with %s: %+v", kind, offer.Version, offered(offer)[kind])
		}
	}
	// A MAC shows with a cipher that needs one.
	i := slices.IndexFunc(common[ciphers], func(name string) bool { return strings.HasSuffix(name, "-ctr") })
	if i < 0 {
		t.Fatalf("no cipher that needs a MAC in common with %s", offer.Version)
	}
	withMAC := common[ciphers][i]

	var cells []cell
	for _, name := range common[kexes] {
		cells = append(cells, cell{kexes, testpeer.Algorithms{Kex: name}})
	}
	for _, name := range common[ciphers] {
		cells = append(cells, cell{ciphers, testpeer.Algorithms{Cipher: name}})
	}
	for _, name := range common[macs] {
		cells = append(cells, cell{macs, testpeer.Algorithms{Cipher: withMAC, MAC: name}})
	}
	for _, name := range common[hostKeys] {
		cells = append(cells, cell{hostKeys, testpeer.Algorithms{HostKey: name}})
	}
	return cells
}

// keyType is the type of key that a host key algorithm signs with.
func keyType(algorithm string) string {
	if strings.HasPrefix(algorithm, "rsa-sha2-") {
		return testpeer.RSA
	}
	return algorithm
}
