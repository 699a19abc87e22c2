package testpeer

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Wine runs Windows programs, each Wine with a registry and a drive C: of its
// own. Named pipes, the registry, windows without a screen and loopback sockets
// work as on Windows.
//
// What a test under it has to know: Debian's Wine 8 can't delete as Go's
// os.RemoveAll wants it, so a test that is to run there takes os.MkdirTemp
// instead of t.TempDir; the files go with the prefix.
type Wine struct {
	prefix string
}

// wineTime is when a Windows program is taken to hang.
const wineTime = 2 * time.Minute

// NewWine makes a prefix that ends with the test, in a moment: wineboot, which
// is not run, takes 16 s and 700 MB to copy what links do as well.
func NewWine(t TB) *Wine {
	t.Helper()
	w := &Wine{prefix: filepath.Join(t.TempDir(), "wine")}
	w.makeDrives(t)
	w.makeRegistry(t)
	w.linkLibraries(t)
	w.makeRandomLibrary(t)
	t.Cleanup(w.stop)
	return w
}

func (w *Wine) system(elem ...string) string {
	return filepath.Join(append([]string{w.prefix, "drive_c", "windows", "system32"}, elem...)...)
}

func (w *Wine) makeDrives(t TB) {
	t.Helper()
	for _, dir := range []string{w.system("drivers"), w.system("..", "temp"), filepath.Join(w.prefix, "dosdevices")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatalf("make a Wine prefix: %v", err)
		}
	}
	link(t, "../drive_c", filepath.Join(w.prefix, "dosdevices", "c:"))
	link(t, "/", filepath.Join(w.prefix, "dosdevices", "z:"))
}

func link(t TB, to, name string) {
	t.Helper()
	if err := os.Symlink(to, name); err != nil {
		t.Fatalf("make a Wine prefix: %v", err)
	}
}

// makeRegistry writes as much of a registry as a fresh one needs: its kind, a
// place for temporary files, windows that are never drawn. Wine adds the rest
// that it can't do without.
func (w *Wine) makeRegistry(t TB) {
	t.Helper()
	const head = "WINE REGISTRY Version 2\n;; All keys relative to "
	writeFile(t, w.prefix, "system.reg", head+`\\Machine`, "", "#arch=win64")
	writeFile(t, w.prefix, "user.reg", head+`\\User\\S-1-5-21-0-0-0-1000`, "", "#arch=win64", "",
		`[Software\\Wine\\Drivers]`, `"Graphics"="null"`, "",
		`[Environment]`, `"TEMP"="C:\\windows\\temp"`, `"TMP"="C:\\windows\\temp"`,
		`"PATH"="C:\\windows\\system32;C:\\windows"`, `"ComSpec"="C:\\windows\\system32\\cmd.exe"`)
	// The word that keeps Wine from bringing the prefix up to date.
	writeFile(t, w.prefix, ".update-timestamp", "disable")
}

// linkLibraries shows Wine's own libraries where Windows has them.
func (w *Wine) linkLibraries(t TB) {
	t.Helper()
	libraries, err := filepath.Glob("/usr/lib/*/wine/x86_64-windows/*")
	if err != nil || len(libraries) == 0 {
		t.Fatalf("Wine's libraries are not in /usr/lib: run scripts/peers.sh")
	}
	for _, path := range libraries {
		link(t, path, w.system(filepath.Base(path)))
	}
}

// randomSource is a library that Go programs need and this Wine doesn't have:
// one function, passed on to the one that has been there always.
const randomSource = `#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL ProcessPrng(PBYTE data, SIZE_T len) {
	return SystemFunction036(data, (ULONG)len);
}`

func (w *Wine) makeRandomLibrary(t TB) {
	t.Helper()
	source := writeFile(t, w.prefix, "bcryptprimitives.c", randomSource)
	cc := exec.Command("x86_64-w64-mingw32-gcc-win32", "-shared", "-o", w.system("bcryptprimitives.dll"), source, "-ladvapi32")
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("build a library for Wine: %v\n%s", err, out)
	}
}

// environment has no display, no user's settings, and no complaints of Wine
// about itself.
func (w *Wine) environment() []string {
	return environment(w.prefix, "WINEPREFIX="+w.prefix, "WINEARCH=win64", "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml=")
}

// Drive is the Unix path of what Windows programs know as C:\ and the elements.
func (w *Wine) Drive(elem ...string) string {
	return filepath.Join(append([]string{w.prefix, "drive_c"}, elem...)...)
}

// Build builds a program of this module for Windows, with a Unix path for its
// name, whose directory is made.
func (w *Wine) Build(t TB, name, program string) {
	t.Helper()
	build := exec.Command("go", "build", "-o", name, "github.com/nacre-ssh/nacre/"+program)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s for Windows: %v\n%s", program, err, out)
	}
}

// Command is a Windows program to run, whose path is a Unix one. It is killed,
// with what it started, when ctx ends.
func (w *Wine) Command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "wine", append([]string{program}, args...)...)
	cmd.Env = w.environment()
	return cmd
}

// Test builds the tests of a package (the directory it is in, "." for the
// test's own) for Windows, runs them under Wine with -test.v and the arguments,
// and returns what they printed. It fails the test when they fail, or when none
// of them ran.
func (w *Wine) Test(t TB, dir string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), wineTime)
	defer cancel()
	program := filepath.Join(w.prefix, "test.exe")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, ".")
	build.Dir = dir
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=windows", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the tests for Windows: %v\n%s", err, out)
	}
	cmd := w.Command(ctx, program, append([]string{"-test.v", "-test.timeout=" + wineTime.String()}, args...)...)
	cmd.Dir = dir // where testdata is
	out, err := cmd.CombinedOutput()
	text := strings.ReplaceAll(string(out), "\r\n", "\n")
	if err != nil {
		t.Fatalf("under Wine: %v\n%s", err, text)
	}
	if !strings.Contains(text, "--- PASS") {
		t.Fatalf("no test ran under Wine:\n%s", text)
	}
	return text
}

// stop ends the prefix's wineserver, and with it what still runs in it: by its
// prefix, so that no other is touched.
func (w *Wine) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), wineTime)
	defer cancel()
	for _, option := range []string{"-k", "-w"} { // kill, then wait for the end
		cmd := exec.CommandContext(ctx, "/usr/lib/wine/wineserver64", option)
		cmd.Env = w.environment()
		_ = cmd.Run() // it may have ended by itself
	}
}
