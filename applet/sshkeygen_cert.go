package applet

import "context"

// certify signs certificates (-s).
func (k *keygen) certify(context.Context) int { return k.notYet() }

// showCertificate prints certificates (-L).
func (k *keygen) showCertificate(context.Context) int { return k.notYet() }
