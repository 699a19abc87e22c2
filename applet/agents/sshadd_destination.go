package agents

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/knownhosts"
)

// destination reads what -h takes: [user@]host for a login from here, or
// host>[user@]host for one from there. The hosts' keys are looked up in the
// known hosts.
func (r *addRun) destination(text string) (d agent.Destination, err error) {
	from, to, two := strings.Cut(text, ">")
	if !two {
		d.To, err = r.hop(text)
		return d, err
	}
	if d.From, err = r.hop(from); err != nil {
		return d, err
	}
	if d.From.User != "" {
		return d, fmt.Errorf("Invalid key constraint %s: cannot specify user on 'from' host", from) //lint:ignore ST1005 as ssh-add says it
	}
	d.To, err = r.hop(to)
	return d, err
}

func (r *addRun) hop(text string) (h agent.Hop, err error) {
	host := text
	if at := strings.LastIndexByte(text, '@'); at >= 0 {
		h.User, host = text[:at], text[at+1:]
	}
	host = bareHost(host)
	if host == "" {
		return h, fmt.Errorf("Invalid key destination constraint \"%s\": does not specify user or host", text) //lint:ignore ST1005 as ssh-add says it
	}
	h.Host = host
	entries, err := knownhosts.Open(r.knownHosts()...).Lookup(host, 0)
	if err != nil {
		return h, err
	}
	for _, e := range entries {
		if e.Key != nil && e.Marker != knownhosts.Revoked {
			h.Keys = append(h.Keys, agent.HopKey{Blob: e.Key.Blob(), Authority: e.Marker == knownhosts.Authority})
		}
	}
	if len(h.Keys) == 0 {
		return h, fmt.Errorf("No host keys found for destination \"%s\"", host) //lint:ignore ST1005 as ssh-add says it
	}
	return h, nil
}

// bareHost takes the brackets off a bare address.
func bareHost(host string) string {
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return host
}

// knownHosts are the files of -H, else the usual ones.
func (r *addRun) knownHosts() []string {
	home, _ := os.UserHomeDir()
	if len(r.hosts) == 0 {
		ssh := filepath.Join(home, ".ssh")
		return []string{
			filepath.Join(ssh, "known_hosts"), filepath.Join(ssh, "known_hosts2"),
			"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2",
		}
	}
	paths := make([]string, len(r.hosts))
	for i, path := range r.hosts {
		if rest, ok := strings.CutPrefix(path, "~/"); ok {
			path = filepath.Join(home, rest)
		}
		paths[i] = path
	}
	return paths
}

// useToken is -s and -e. Our agent refuses; OpenSSH's may not.
func (r *addRun) useToken(ctx context.Context, certificates []string) bool {
	t := agent.Token{ID: r.token, Lifetime: r.life, Confirm: r.confirm, Destinations: r.destinations, CertificatesOnly: r.certOnly}
	if r.removal {
		if err := r.agent.RemoveToken(ctx, t); err != nil {
			r.Errorf("Could not remove card \"%s\": %s", r.token, agentTrouble(err))
			return false
		}
		return r.tellCard("removed")
	}
	for _, path := range certificates {
		blob, _, _, err := readCertificate(path)
		if err != nil {
			r.say("load certificate %s: %s", path, keyTrouble(err))
			return false
		}
		if !r.keyOnly {
			t.Certificates = append(t.Certificates, blob)
		}
	}
	pin, err := r.ReadSecret(ctx, door.AskInput, "Enter passphrase for PKCS#11: ")
	if err != nil {
		return false
	}
	defer clear(pin)
	t.PIN = pin
	if err := r.agent.AddToken(ctx, t); err != nil {
		r.Errorf("Could not add card \"%s\": %s", r.token, agentTrouble(err))
		return false
	}
	return r.tellCard("added")
}

func (r *addRun) tellCard(what string) bool {
	if !r.quiet {
		r.Errorf("Card %s: %s", what, r.token)
	}
	return true
}
