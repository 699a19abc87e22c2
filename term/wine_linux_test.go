package term

import (
	"strings"
	"testing"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// TestUnderWine runs this package's tests of consoles as a Windows program.
func TestUnderWine(t *testing.T) {
	if out := testpeer.NewWine(t).Test(t, ".", "-test.run=^TestWindows"); !strings.Contains(out, "--- PASS: TestWindowsKeys") {
		t.Errorf("it did not run:\n%s", out)
	}
}
