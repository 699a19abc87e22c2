package keys

import (
	"context"
	"strings"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/term"
)

// changePassphrase is -p.
func (k *keygen) changePassphrase(ctx context.Context) int {
	if code, ok := k.existing(""); !ok {
		return code
	}
	id, err := k.load(ctx, k.file, "Enter old passphrase: ", k.oldPass)
	if err != nil {
		return k.cantLoad("Failed to load key "+k.file, err)
	}
	defer clear(id.passphrase)
	if id.commented {
		k.say("Key has comment '%s'\n", term.Printable(id.comment))
	}
	private, err := k.withTokenOptions(id.Private)
	if err != nil {
		return k.fatal(err)
	}
	passphrase, code := k.replacement(ctx)
	if code != 0 {
		return code
	}
	defer clear(passphrase)
	if err := k.save(k.file, private, id.comment, passphrase, 0); err != nil {
		return k.fail("Saving key \"%s\" failed: %s", k.file, reason(err))
	}
	k.say("Your identification has been saved with the new passphrase.\n")
	return 0
}

// replacement is the new passphrase of -p, which is asked for once and again.
func (k *keygen) replacement(ctx context.Context) (passphrase []byte, code int) {
	if k.newPass != nil {
		return []byte(*k.newPass), 0
	}
	first, err := k.passphrase(ctx, "Enter new passphrase (empty for no passphrase): ")
	if err != nil {
		return nil, k.fatal(err)
	}
	again, err := k.passphrase(ctx, "Enter same passphrase again: ")
	if err != nil {
		return nil, k.fatal(err)
	}
	if string(first) != string(again) {
		k.say("Pass phrases do not match.  Try again.\n")
		return nil, codeFailed
	}
	clear(again)
	return first, 0
}

// withTokenOptions applies -O to a security key's file, which says what the
// token shall demand.
func (k *keygen) withTokenOptions(private *key.Private) (*key.Private, error) {
	if len(k.options) == 0 {
		return private, nil
	}
	token, ok := private.Crypto().(*key.SKPrivate)
	if !ok {
		return nil, fatalf("FIDO-specific option requested for non-FIDO key %s", k.file)
	}
	changed := *token
	for _, o := range k.options {
		switch strings.ToLower(o) {
		case "touch-required":
			changed.Flags |= key.SKUserPresent
		case "no-touch-required":
			changed.Flags &^= key.SKUserPresent
		case "verify-required":
			changed.Flags |= key.SKUserVerified
		case "no-verify-required":
			changed.Flags &^= key.SKUserVerified
		default:
			return nil, fatalf("Option \"%s\" is unsupported for key passphrase change", o)
		}
	}
	return key.NewPrivate(&changed)
}

// changeComment is -c.
func (k *keygen) changeComment(ctx context.Context) int {
	if code, ok := k.existing(""); !ok {
		return code
	}
	id, err := k.load(ctx, k.file, "Enter passphrase: ", k.oldPass, k.newPass)
	if err != nil {
		return k.cantLoad("Cannot load private key \""+k.file+"\"", err)
	}
	defer clear(id.passphrase)
	if !holdsComment(k.privateFormat(id.Public().Type())) {
		return k.fail("Comments are only supported for keys stored in the new format (-o).")
	}
	if id.commented {
		k.say("Old comment: %s\n", term.Printable(id.comment))
	} else {
		k.say("No existing comment\n")
	}
	comment, ok := k.newComment()
	if !ok {
		return codeFailed
	}
	if id.commented && comment == id.comment {
		k.say("No change to comment\n")
		return 0
	}
	if err := k.save(k.file, id.Private, comment, id.passphrase, 0); err != nil {
		return k.fail("Saving key \"%s\" failed: %s", k.file, reason(err))
	}
	if err := savePublic(k.file+".pub", id.Public(), comment); err != nil {
		return k.fatal(fatalf("Unable to save public key to %s.pub: %s", k.file, reason(err)))
	}
	if comment == "" {
		k.say("Comment removed\n")
	} else {
		k.say("Comment '%s' applied\n", comment)
	}
	return 0
}

func (k *keygen) newComment() (string, bool) {
	if k.comment != nil {
		return *k.comment, true
	}
	k.say("New comment: ")
	return k.readLine(1023)
}
