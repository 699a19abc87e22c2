package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// profiledMain is nacre's main with profiles. It takes the place of the real one
// in the bench's own build only: a program that people log in with doesn't
// write files because a variable says so.
//
//go:embed profiled.txt
var profiledMain string

// snapshotTime is how long a process has to write its profiles.
const snapshotTime = 500 * time.Millisecond

// profiled returns the arguments of go build that put profiledMain in the place
// of pkg's main.
func (l *lab) profiled(pkg string) ([]string, error) {
	dir, err := filepath.Abs(l.profiles)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o777); err != nil { // processes of other users write there too
		return nil, err
	}
	at, err := exec.Command("go", "list", "-f", "{{.Dir}}", pkg).Output()
	if err != nil {
		return nil, fmt.Errorf("find nacre's main: %w", err)
	}
	text, err := l.write("main.go", profiledMain)
	if err != nil {
		return nil, err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		filepath.Join(strings.TrimSpace(string(at)), "main.go"): text,
	}})
	if err != nil {
		return nil, err
	}
	file, err := l.write("overlay.json", string(overlay))
	return []string{"-overlay", file, "-ldflags", "-X main.profiles=" + dir}, err
}

// snapshot has the processes of our server write their profiles.
func (l *lab) snapshot(s *server) {
	if l.profiles == "" || s.name != l.ours.name {
		return
	}
	of, _ := family(s.pid())
	for _, p := range of {
		if program, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.pid)); err == nil && program == l.path("nacre") {
			signalProfile(p.pid)
		}
	}
	time.Sleep(snapshotTime)
}
