package testpeer

import (
	"context"
	"fmt"
	"strconv"
)

// PuTTY is the installed plink. Safe for concurrent use.
type PuTTY struct {
	plink string
	dir   func() string
}

// NewPuTTY finds the program.
func NewPuTTY(t TB) *PuTTY {
	t.Helper()
	mustProgram(t, "puttygen")
	return &PuTTY{plink: mustProgram(t, "plink"), dir: t.TempDir}
}

// Name is "putty".
func (*PuTTY) Name() string { return "putty" }

// Run implements [Client]. PuTTY chooses algorithms by family, so restrict the
// server; it always offers everything.
func (p *PuTTY) Run(ctx context.Context, at Target, s Session) (Result, error) {
	dir := p.dir()
	key, err := at.Identity.PPK()
	if err != nil {
		return Result{}, err
	}
	// What has no option is set in a saved session.
	saved := []string{"Protocol=ssh"}
	if s.Rekey != 0 {
		saved = append(saved, fmt.Sprintf("RekeyBytes=%d", s.Rekey))
	}
	if _, err := saveFile(dir, ".putty/sessions/test", saved...); err != nil {
		return Result{}, err
	}
	argv := []string{p.plink, "-batch", "-v", "-T", "-load", "test", "-P", strconv.Itoa(at.Port), "-l", at.User, "-i", key}
	for _, k := range at.HostKeys {
		argv = append(argv, "-hostkey", k.Fingerprint())
	}
	argv = append(argv, at.Host, s.Command)
	return runClient(ctx, s, "outbound encryption", environment(dir), argv...)
}
