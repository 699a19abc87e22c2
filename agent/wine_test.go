//go:build linux

package agent

import (
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// TestUnderWine runs this package's tests of pipes and windows as a Windows
// program.
func TestUnderWine(t *testing.T) {
	out := testpeer.NewWine(t).Test(t, ".", "-test.run=^TestWindows", "-test.timeout=15s")
	for _, name := range []string{"TestWindowsPipe", "TestWindowsPageantPipe", "TestWindowsPageantWindow"} {
		if !strings.Contains(out, "--- PASS: "+name) {
			t.Errorf("%s did not pass:\n%s", name, out)
		}
	}
}
