package applet

import "context"

// makeKRL writes a key revocation list (-k).
func (k *keygen) makeKRL(context.Context) int { return k.notYet() }

// checkKRL looks keys up in a revocation list (-Q).
func (k *keygen) checkKRL(context.Context) int { return k.notYet() }
