package testpeer

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// XServer starts an X server without a screen (Xvfb), which wants a cookie. It
// returns what belongs in $DISPLAY and $XAUTHORITY.
func XServer(t TB) (display, authority string) {
	t.Helper()
	const protocol = "MIT-MAGIC-COOKIE-1"
	cookie := make([]byte, 16)
	rand.Read(cookie) // never fails
	// The server's own file names neither host nor display (Xauth.h: FamilyWild),
	// for which that is isn't known yet.
	b := []byte{0xff, 0xff}
	for _, field := range []string{"", "", protocol, string(cookie)} {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(field))), field...)
	}
	dir := t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer r.Close()
	// A server that lost its last client would forget the cookies that it gave.
	cmd := exec.Command(mustProgram(t, "Xvfb"), "-displayfd", "3", "-auth", writeFile(t, dir, "server", string(b)),
		"-nolisten", "tcp", "-noreset", "-screen", "0", "640x480x24")
	cmd.ExtraFiles = []*os.File{w}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("Xvfb: %v", err)
	}
	w.Close()
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb ended before it served: %s", said.String())
	}
	// The client's file is what xauth writes.
	display, authority = ":"+strings.TrimSpace(number), filepath.Join(dir, "client")
	out, err := exec.Command(mustProgram(t, "xauth"), "-f", authority, "add", display, protocol, hex.EncodeToString(cookie)).CombinedOutput()
	if err != nil {
		t.Fatalf("xauth: %v: %s", err, out)
	}
	return display, authority
}
