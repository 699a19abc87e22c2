package applet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/knownhosts"
	"github.com/nacre-ssh/nacre/term"
)

// hostPolicy is the decision about host keys: known_hosts, and the person.
type hostPolicy struct {
	run  *sshRun
	conf *config.Client
	db   *knownhosts.DB
	host string // the name that files know
	port int
	// doubtful says that a changed key was let pass: no secret is typed then.
	doubtful bool
	// trusted is the plain key that files or the person vouched for; nil for a
	// certificate, or where nobody did.
	trusted key.Public
	// dns is what the DNS says, as a line of the question; "" if it wasn't asked.
	dns string
}

func newHostPolicy(r *sshRun) *hostPolicy {
	c := r.conf
	p := &hostPolicy{run: r, conf: c, host: c.HostName, port: c.Port}
	if c.HostKeyAlias != "" {
		p.host, p.port = c.HostKeyAlias, 0
	}
	p.db = knownhosts.Open(p.knownHostsFiles()...)
	return p
}

// algorithms puts those first that a known key can use, unless the person chose
// an order.
func (p *hostPolicy) algorithms() []string {
	if _, chosen := p.conf.Origin("HostKeyAlgorithms"); chosen {
		return p.conf.HostKeyAlgorithms
	}
	ordered, err := p.known(context.Background(), "ORDER", nil).Algorithms(p.host, p.port, p.conf.HostKeyAlgorithms)
	if err != nil {
		p.run.say(config.LogVerbose, "%v", err)
	}
	return ordered
}

// check is client.Config's HostKey.
func (p *hostPolicy) check(ctx context.Context, at client.Presented) error {
	p.run.peer = peerName(at.Addr)
	defer p.picture(cert.PlainKey(at.Key))
	if cert.PlainKey(at.Key).Type() == key.TypeRSA && at.Key.Bits() < p.conf.RequiredRSASize {
		p.run.say(config.LogError, "Host key of %s has %d bits, RequiredRSASize asks for %d.", p.host, at.Key.Bits(), p.conf.RequiredRSASize)
		return errHostKey
	}
	if p.conf.NoHostAuthenticationForLocalhost && p.conf.HostKeyAlias == "" && isLoopback(at.Addr) {
		p.run.say(config.LogDebug1, "debug1: Host key not checked: NoHostAuthenticationForLocalhost.")
		return nil
	}
	if err := p.notRevoked(at.Key); err != nil {
		return err
	}
	if p.vouchedByDNS(ctx, cert.PlainKey(at.Key)) {
		return nil
	}
	if c, ok := at.Key.(*cert.Certificate); ok {
		if done, err := p.checkCertificate(ctx, c); done {
			return err
		}
		at.Key = c.Key // as if the host had shown no certificate
	}
	err := p.known(ctx, "HOSTNAME", at.Key).Check(p.host, p.port, p.addressToCheck(at), at.Key)
	var unknown *knownhosts.UnknownError
	var changed *knownhosts.ChangedError
	var other *knownhosts.OtherTypeError
	var revoked *knownhosts.RevokedError
	switch {
	case err == nil:
		p.run.say(config.LogDebug1, "debug1: Host '%s' is known and matches the %s host key.", p.name(), short(at.Key))
		p.tellWhere(at.Key)
		p.trusted = at.Key
		p.rememberAddress(at)
		return nil
	case errors.As(err, &unknown):
		return p.unknown(ctx, at, "")
	case errors.As(err, &other):
		return p.unknown(ctx, at, ",\nbut keys of different type are already known for this host")
	case errors.As(err, &changed):
		return p.changed(changed)
	case errors.As(err, &revoked):
		return p.revoked(revoked)
	}
	p.run.say(config.LogError, "%v", err)
	return errHostKey
}

// tellWhere tells -v which line knows a key.
func (p *hostPolicy) tellWhere(k key.Public) {
	if p.run.loudness() < config.LogDebug1 {
		return
	}
	for _, port := range []int{p.port, 0} {
		entries, _ := p.db.Lookup(p.host, port) // Check has read the same files
		for _, e := range entries {
			if key.Equal(e.Key, k) {
				p.run.say(config.LogDebug1, "debug1: Found key in %s:%d", e.File, e.Line)
				return
			}
		}
	}
}

func (p *hostPolicy) name() string { return knownhosts.Name(p.host, p.port) }

func short(k key.Public) string { return key.ShortName(k.Type()) }

func (p *hostPolicy) fingerprint(k key.Public) string {
	if p.conf.FingerprintHash == "MD5" {
		return keyfile.FingerprintMD5(k)
	}
	return keyfile.FingerprintSHA256(k)
}

func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// unknown is the first contact.
func (p *hostPolicy) unknown(ctx context.Context, at client.Presented, more string) error {
	switch p.conf.StrictHostKeyChecking {
	case config.StrictYes:
		return p.refuse("No %s host key is known for %s and you have requested strict checking.", short(at.Key), p.name())
	case config.StrictAsk:
		if p.conf.BatchMode {
			return p.refuse("No %s host key is known for %s and BatchMode forbids to ask.", short(at.Key), p.name())
		}
		if err := p.ask(ctx, at, more); err != nil {
			return err
		}
	}
	p.add(at.Key)
	p.trusted = at.Key
	return nil
}

func (p *hostPolicy) refuse(format string, args ...any) error {
	p.run.say(config.LogError, format, args...)
	return errHostKey
}

// ask puts OpenSSH's question.
func (p *hostPolicy) ask(ctx context.Context, at client.Presented, more string) error {
	fingerprint := p.fingerprint(at.Key)
	var b strings.Builder
	b.WriteString("The authenticity of host '" + p.name() + " (" + p.address(at) + ")' can't be established" + more + ".\n")
	b.WriteString(short(at.Key) + " key fingerprint is " + fingerprint + ".\n")
	if p.conf.VisualHostKey {
		b.WriteString(p.art(at.Key))
	}
	b.WriteString(p.dns)
	b.WriteString(p.otherNames(at.Key))
	b.WriteString("Are you sure you want to continue connecting (yes/no/[fingerprint])? ")
	ok, err := term.ConfirmBy(ctx, p.run.ReadAnswer, b.String(), fingerprint)
	switch {
	case errors.Is(err, term.ErrNoTerminal):
		return p.refuse("No %s host key is known for %s and there is no terminal to ask on (with -o StrictHostKeyChecking=accept-new it is taken unasked).", short(at.Key), p.name())
	case err != nil:
		return err
	case !ok:
		return errHostKey
	}
	return nil
}

// address is the second name of a host in the question.
func (p *hostPolicy) address(at client.Presented) string {
	if tcp, ok := at.Addr.(*net.TCPAddr); ok {
		return knownhosts.Name((&net.IPAddr{IP: tcp.IP, Zone: tcp.Zone}).String(), at.Port)
	}
	return "<no hostip>"
}

// maxOtherNames is how many names the question lists.
const maxOtherNames = 8

// otherNames says under which other names the presented key is known: a host
// that was given a new name is recognised by them.
func (p *hostPolicy) otherNames(k key.Public) string {
	entries, err := p.db.LookupKey(k)
	if err != nil {
		p.run.say(config.LogVerbose, "%v", err)
	}
	var b strings.Builder
	for _, e := range entries[:min(len(entries), maxOtherNames)] {
		names := term.Printable(e.Names)
		if strings.HasPrefix(names, "|1|") {
			names = "[hashed name]"
		}
		fmt.Fprintf(&b, "    %s:%d: %s\n", e.File, e.Line, names)
	}
	found := len(entries)
	switch {
	case found == 0:
		return "This key is not known by any other names.\n"
	case found > maxOtherNames:
		fmt.Fprintf(&b, "    (%d additional names omitted)\n", found-maxOtherNames)
	}
	return "This host key is known by the following other names/addresses:\n" + b.String()
}

func (p *hostPolicy) knownHostsFiles() []string {
	return append(append([]string{}, p.conf.UserKnownHostsFile...), p.conf.GlobalKnownHostsFile...)
}

// add remembers a key in the user's first file. Failing at that stops nobody.
func (p *hostPolicy) add(k key.Public) {
	if len(p.conf.UserKnownHostsFile) == 0 {
		return
	}
	file := p.conf.UserKnownHostsFile[0]
	if err := knownhosts.Add(file, p.host, p.port, k, p.conf.HashKnownHosts); err != nil {
		p.run.say(config.LogInfo, "Failed to add the host to the list of known hosts (%s): %v", file, err)
		return
	}
	p.run.say(config.LogInfo, "Warning: Permanently added '%s' (%s) to the list of known hosts.", p.name(), short(k))
}

const bar = "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n"

// alarm is the block that people know.
func (p *hostPolicy) alarm(k key.Public) string {
	return bar + "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n" + bar +
		"IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\n" +
		"Someone could be eavesdropping on you right now (man-in-the-middle attack)!\n" +
		"It is also possible that a host key has just been changed.\n" +
		"The fingerprint for the " + short(k) + " key sent by the remote host is\n" + p.fingerprint(k) + ".\n" +
		"Please contact your system administrator.\n"
}

// changed is a known host with another key.
func (p *hostPolicy) changed(e *knownhosts.ChangedError) error {
	k := e.Presented
	if e.ByAddress {
		return p.addressChanged(e)
	}
	user := p.userFile()
	p.run.say(config.LogError, "%s", p.alarm(k)+
		"Add correct host key in "+user+" to get rid of this message.\n"+
		"Offending "+short(k)+" key in "+e.File+":"+strconv.Itoa(e.Line)+"\n"+
		"  remove with:\n  ssh-keygen -f \""+e.File+"\" -R \""+e.Host+"\"")
	if p.conf.StrictHostKeyChecking == config.StrictNo {
		p.doubtful = true
		p.run.say(config.LogError, "Password authentication is disabled to avoid man-in-the-middle attacks.\n"+
			"Keyboard-interactive authentication is disabled to avoid man-in-the-middle attacks.")
		return nil
	}
	return p.refuse("Host key for %s has changed and you have requested strict checking.", e.Host)
}

func (p *hostPolicy) userFile() string {
	if len(p.conf.UserKnownHostsFile) > 0 {
		return p.conf.UserKnownHostsFile[0]
	}
	return "known_hosts"
}

func (p *hostPolicy) revoked(e *knownhosts.RevokedError) error {
	p.run.say(config.LogError, "%s", bar+
		"@       WARNING: REVOKED HOST KEY DETECTED!               @\n"+bar+
		"The "+short(e.Presented)+" host key for "+e.Host+" is marked as revoked.\n"+
		"This could mean that a stolen key is being used to impersonate this host.\n"+
		"It is revoked in "+e.File+":"+strconv.Itoa(e.Line)+".")
	return p.refuse("%s host key for %s was revoked and you have requested strict checking.", short(e.Presented), e.Host)
}
