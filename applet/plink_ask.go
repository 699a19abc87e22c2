package applet

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/putty"
	"github.com/nacre-ssh/nacre/term"
)

// The texts of PuTTY's console, to the letter: scripts look for them.
const (
	hostUnknown = "The host key is not cached for this server:\n" +
		"  %HOST (port %PORT)\n" +
		"You have no guarantee that the server is the computer you\nthink it is.\n" +
		"The server's %TYPE key fingerprint is:\n  %FINGERPRINT\n"
	hostUnknownHow = "If you trust this host, enter \"y\" to add the key to Plink's\ncache and carry on connecting.\n" +
		"If you want to carry on connecting just once, without adding\nthe key to the cache, enter \"n\".\n" +
		"If you do not trust this host, press Return to abandon the\nconnection.\n"
	hostUnknownAsk = "Store key in cache? (y/n, Return cancels connection, i for more info) "

	hostChanged = "WARNING - POTENTIAL SECURITY BREACH!\n" +
		"The host key does not match the one Plink has cached for\nthis server:\n" +
		"  %HOST (port %PORT)\n" +
		"This means that either the server administrator has changed\nthe host key, or you have actually connected to another\ncomputer pretending to be the server.\n" +
		"The new %TYPE key fingerprint is:\n  %FINGERPRINT\n"
	hostChangedHow = "If you were expecting this change and trust the new key,\nenter \"y\" to update Plink's cache and carry on connecting.\n" +
		"If you want to carry on connecting but without updating the\ncache, enter \"n\".\n" +
		"If you want to abandon the connection completely, press\nReturn to cancel. Pressing Return is the ONLY guaranteed\nsafe choice.\n"
	hostChangedAsk = "Update cached key? (y/n, Return cancels connection, i for more info) "

	hostOther = "WARNING - POTENTIAL SECURITY BREACH!\n" +
		"This server presented a certified host key:\n" +
		"  %HOST (port %PORT)\n" +
		"which is not vouched for by the certification authority that\nPlink is configured to trust for this server:\n  %WHY\n" +
		"This means that either another certification authority is\noperating in this realm, or you have actually connected to\nanother computer pretending to be the server.\n" +
		"The new opensshcert-%TYPE key fingerprint is:\n  %FINGERPRINT\n"

	hostMore = "Full text of host's public key:\n%LINE\nSHA256 fingerprint: %FINGERPRINT\nMD5 fingerprint: %MD5\n"

	plinkAbandoned = "Connection abandoned."
	plinkNoHostKey = plinkFatal("Cannot confirm a host key in batch mode")
	plinkNoPrompt  = plinkFatal("Cannot answer interactive prompts in batch mode")
	plinkNoWeak    = plinkFatal("Cannot confirm a weak crypto primitive in batch mode")
)

// ask puts a question of PuTTY's about a host's key.
func (t *plinkTrust) ask(ctx context.Context, k key.Public, text, how, question string) error {
	p := t.run
	io.WriteString(p.Stderr, text)
	if p.line.batch {
		p.Errorf(plinkAbandoned)
		return plinkNoHostKey
	}
	io.WriteString(p.Stderr, how)
	answer, err := p.choose(ctx, question, func() { io.WriteString(p.Stderr, t.fill(hostMore, k)) })
	if err != nil {
		return err
	}
	switch answer {
	case 'y':
		t.remember(k)
		return nil
	case 'n':
		return nil
	}
	p.Errorf(plinkAbandoned)
	return errAbandoned
}

func (t *plinkTrust) fill(text string, k key.Public) string {
	return strings.NewReplacer("%HOST", term.Printable(t.host), "%PORT", strconv.Itoa(t.port), "%TYPE", cert.PlainKey(k).Type(),
		"%FINGERPRINT", plinkFingerprint(k), "%MD5", putty.Fingerprint(k.Blob(), putty.Hash{Hash: keyfile.MD5}),
		"%LINE", k.Type()+" "+base64.StdEncoding.EncodeToString(k.Blob())).Replace(text)
}

// remember puts a key into the cache. Failing at that stops nobody.
func (t *plinkTrust) remember(k key.Public) {
	h, err := putty.NewHostKey(t.host, t.port, k)
	if err == nil {
		err = t.run.store.PutHostKeys(h)
	}
	if err != nil {
		t.run.Errorf("plink: the host key is not stored: %v", err)
	}
}

// choose asks until there is an answer: a small letter, or 0 for nothing and
// whatever else was typed. PuTTY takes what it doesn't understand for "once".
func (p *plinkRun) choose(ctx context.Context, question string, more func()) (byte, error) {
	for {
		line, err := p.ReadInput(question)
		switch text := strings.ToLower(strings.TrimSpace(string(line))); {
		case errors.Is(err, io.EOF):
			return 0, nil
		case err != nil:
			return 0, err
		case text == "i" && more != nil:
			more()
		case text == "y" || text == "yes":
			return 'y', nil
		case text == "n" || text == "no":
			return 'n', nil
		default:
			return 0, nil
		}
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
}

// secret asks for a line at the terminal, or on standard input where there is
// none, as PuTTY does.
func (p *plinkRun) secret(ctx context.Context, prompt string, echo bool) (string, error) {
	if p.line.batch {
		return "", plinkNoPrompt
	}
	text, err := p.atTerminal(ctx, prompt, echo)
	if !errors.Is(err, term.ErrNoTerminal) {
		return text, err
	}
	line, err := p.ReadInput(prompt)
	defer clear(line)
	p.Errorf("")
	if err != nil {
		return "", errAbandoned
	}
	return string(line), nil
}

func (p *plinkRun) atTerminal(ctx context.Context, prompt string, echo bool) (string, error) {
	if echo {
		return term.Ask(ctx, prompt)
	}
	secret, err := term.ReadPassword(ctx, prompt)
	defer clear(secret)
	return string(secret), err
}

// antispoof has a person press Return after the login where nothing else tells
// what plink asks from what the server prints.
func (p *plinkRun) antispoof() error {
	if p.line.plain || p.line.batch || p.ssh.conf.SessionType != "default" || p.ssh.conf.StdioForward != nil ||
		!term.IsTerminal(p.Stdin) || !term.IsTerminal(p.Stderr) {
		return nil
	}
	_, err := p.ReadInput("Access granted. Press Return to begin session. ")
	if err != nil {
		return errAbandoned
	}
	return nil
}

// banner shows what the server says before the login.
func (p *plinkRun) banner(text string) {
	if !p.chatty() || !p.on("SshBanner", true) {
		return
	}
	p.fromServer("Pre-authentication banner message from server:", text, "End of banner message from server")
}

// fromServer marks lines as the server's.
func (p *plinkRun) fromServer(head, text, tail string) {
	p.note("%s", p.rule(head))
	for line := range strings.Lines(text) {
		p.Errorf("| %s", plainText(strings.TrimRight(line, "\r\n")))
	}
	if tail != "" {
		p.note("%s", p.rule(tail))
	}
}

// rule is a heading, drawn across the terminal where a person could mistake the
// server's words for plink's.
func (p *plinkRun) rule(text string) string {
	if p.line.batch {
		return text
	}
	text = "-- " + text + " "
	return text + strings.Repeat("-", max(0, 78-len(text)))
}
