package testpeer

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const wineProgram = `package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
)

func main() {
	var b [32]byte
	rand.Read(b[:])
	fmt.Println(runtime.GOOS, b != [32]byte{}, os.TempDir(), len(os.Args))
}
`

func TestWineRunsAGoProgram(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w := NewWine(t)
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(wineProgram), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "main.exe")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := w.Command(ctx, program, "a b").Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != `windows true C:\windows\temp 2` {
		t.Errorf("%q, %v", got, err)
	}
}
