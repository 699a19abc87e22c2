package applet

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os/exec"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/knownhosts"
	"github.com/nacre-ssh/nacre/term"
)

// maxKnownHostsOutput is how much of KnownHostsCommand's output is read, in
// bytes.
const maxKnownHostsOutput = 4 << 20

// known is what the files know, and what KnownHostsCommand says, for a reason of
// ssh_config(5). k is nil before the host has shown a key.
func (p *hostPolicy) known(ctx context.Context, reason string, k key.Public) *knownhosts.DB {
	if p.conf.KnownHostsCommand == "" || p.conf.KnownHostsCommand == "none" {
		return p.db
	}
	text, err := p.runKnownHostsCommand(ctx, reason, k)
	if err != nil {
		p.run.say(config.LogError, "KnownHostsCommand: %s", term.Printable(err.Error()))
		return p.db
	}
	return knownhosts.Join(p.db, knownhosts.Parse("KnownHostsCommand-"+reason, text))
}

func (p *hostPolicy) runKnownHostsCommand(ctx context.Context, reason string, k key.Public) ([]byte, error) {
	question := config.HostKeyQuestion{Reason: reason, Name: p.name()}
	if k != nil {
		question.Fingerprint, question.Type = p.fingerprint(k), k.Type()
		question.Key = base64.StdEncoding.EncodeToString(k.Blob())
	}
	words, err := p.conf.KnownHostsCommandLine(question)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stderr = p.run.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(out, maxKnownHostsOutput+1))
	if err == nil && len(text) > maxKnownHostsOutput {
		err = fmt.Errorf("it prints more than %d bytes", maxKnownHostsOutput)
	}
	if err != nil {
		cmd.Process.Kill()
	}
	if failed := cmd.Wait(); err == nil {
		err = failed
	}
	return text, err
}

// picture is VisualHostKey.
func (p *hostPolicy) picture(k key.Public) {
	if p.conf.VisualHostKey {
		p.run.say(config.LogInfo, "Host key fingerprint is %s\n%s", p.fingerprint(k), p.art(k))
	}
}

func (p *hostPolicy) art(k key.Public) string {
	h := keyfile.SHA256
	if p.conf.FingerprintHash == "MD5" {
		h = keyfile.MD5
	}
	return keyfile.Randomart(cert.PlainKey(k), h)
}

// addressToCheck is the address that CheckHostIP looks up, nil for none: behind
// a proxy nobody knows it, and HostKeyAlias says that the name alone counts.
func (p *hostPolicy) addressToCheck(at client.Presented) net.Addr {
	if !p.conf.CheckHostIP || p.conf.HostKeyAlias != "" || len(p.conf.ProxyJump) > 0 ||
		p.conf.ProxyCommand != "" && p.conf.ProxyCommand != "none" {
		return nil
	}
	if _, ok := at.Addr.(*net.TCPAddr); !ok {
		return nil
	}
	return at.Addr
}

// rememberAddress notes the key under the address, too, where CheckHostIP looks
// for it and nothing is known yet.
func (p *hostPolicy) rememberAddress(at client.Presented) {
	tcp, ok := p.addressToCheck(at).(*net.TCPAddr)
	if !ok || len(p.conf.UserKnownHostsFile) == 0 {
		return
	}
	ip := (&net.IPAddr{IP: tcp.IP, Zone: tcp.Zone}).String()
	name := knownhosts.Name(ip, p.port)
	if name == p.name() || p.db.Check(ip, p.port, nil, at.Key) == nil {
		return
	}
	if err := knownhosts.Add(p.conf.UserKnownHostsFile[0], ip, p.port, at.Key, p.conf.HashKnownHosts); err != nil {
		p.run.say(config.LogDebug1, "debug1: The address %s is not remembered: %v", name, err)
		return
	}
	p.run.say(config.LogInfo, "Warning: Permanently added the %s host key for IP address '%s' to the list of known hosts.", short(at.Key), name)
}

// addressChanged is a host whose key is right by its name and wrong by its
// address.
func (p *hostPolicy) addressChanged(e *knownhosts.ChangedError) error {
	p.run.say(config.LogError, "Warning: the %s host key for '%s' differs from the key for the IP address '%s'\nOffending key for IP in %s:%d",
		short(e.Presented), p.name(), e.Host, e.File, e.Line)
	switch p.conf.StrictHostKeyChecking {
	case config.StrictYes:
		return p.refuse("Exiting, you have requested strict checking.")
	case config.StrictAsk:
		if p.conf.BatchMode {
			return p.refuse("Exiting, you have requested strict checking.")
		}
		ok, err := term.ConfirmBy(context.Background(), p.run.ReadAnswer, "Are you sure you want to continue connecting (yes/no)? ", "")
		if err != nil || !ok {
			return errHostKey
		}
	}
	return nil
}
