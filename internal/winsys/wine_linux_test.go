package winsys

import (
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// TestUnderWine runs this package's tests as a Windows program.
func TestUnderWine(t *testing.T) {
	out := testpeer.NewWine(t).Test(t, ".", "-test.run=^TestWindows")
	for _, name := range []string{"TestWindowsStranger", "TestWindowsOwn", "TestWindowsShell"} {
		if !strings.Contains(out, "--- PASS: "+name) {
			t.Errorf("%s did not pass:\n%s", name, out)
		}
	}
}
