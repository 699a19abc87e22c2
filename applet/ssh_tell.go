package applet

import (
	"fmt"
	"time"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/kex"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/transport"
)

// identityKinds are the numbers that OpenSSH's -v gives key types, which some
// look for; -1 is a file that is no key, or not there.
func identityKind(k key.Public) int {
	if k == nil {
		return -1
	}
	for kind, typ := range [...]string{
		0: key.TypeRSA, 1: key.TypeDSA, 2: key.TypeECDSA256, 3: key.TypeEd25519, 10: key.TypeSKECDSA, 12: key.TypeSKEd25519,
	} {
		if typ == k.Type() || typ == key.TypeECDSA256 && cert.ShortName(k.Type()) == "ECDSA" {
			return kind
		}
	}
	return -1
}

// tellIdentities says with -v which files may hold keys.
func (r *sshRun) tellIdentities(files []string) {
	if r.loudness() < config.LogDebug1 {
		return
	}
	for _, path := range files {
		kind, level, mark := identityKind(readPublicHalf(path)), config.LogDebug1, "debug1"
		if kind < 0 {
			level, mark = config.LogDebug2, "debug2"
		}
		r.say(level, "%s: identity file %s type %d", mark, path, kind)
	}
}

// exchanged is client.Config's Exchanged: WarnWeakCrypto.
func (r *sshRun) exchanged(n transport.Negotiated) {
	if !r.conf.WarnWeakCrypto || kex.PostQuantum(n.Kex) {
		return
	}
	r.say(config.LogInfo, "** WARNING: connection is not using a post-quantum key exchange algorithm.\n"+
		"** This session may be vulnerable to \"store now, decrypt later\" attacks.\n"+
		"** The server may need to be upgraded. See https://openssh.com/pq.html")
}

// versionFor is our software version with VersionAddendum.
func versionFor(addendum string) string {
	if addendum == "" || addendum == "none" {
		return ""
	}
	return transport.Version + " " + addendum
}

// transferred says how much went over the connection since a moment.
func (r *sshRun) transferred(c *client.Client, since time.Time) {
	sent, received := c.Conn.Traffic()
	took := time.Since(since).Seconds()
	r.say(config.LogVerbose, "%s", fmt.Sprintf("Transferred: sent %d, received %d bytes, in %.1f seconds\n", sent, received, took)+
		fmt.Sprintf("Bytes per second: sent %.1f, received %.1f", float64(sent)/took, float64(received)/took))
}
