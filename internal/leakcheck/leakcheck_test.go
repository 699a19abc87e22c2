package leakcheck

import (
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

func TestSeesWhatIsLeft(t *testing.T) {
	Check(t)
	before := map[string]bool{}
	for _, g := range goroutines() {
		before[id(g)] = true
	}
	stay, started := make(chan struct{}), make(chan struct{})
	go func() {
		close(started)
		<-stay
	}()
	<-started
	var left []string
	for _, g := range goroutines() {
		if !before[id(g)] {
			left = append(left, g)
		}
	}
	if len(left) != 1 || !strings.Contains(left[0], "TestSeesWhatIsLeft") {
		t.Errorf("left: %q", left)
	}
	close(stay)
	if left := wait(before); len(left) != 0 {
		t.Errorf("still left: %q", left)
	}
}
