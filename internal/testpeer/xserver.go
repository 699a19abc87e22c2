package testpeer

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
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
	// A server that lost its last client would forget the cookies that it gave.
	number := startX(t, exec.Command(mustProgram(t, "Xvfb"), "-displayfd", "3", "-auth", writeFile(t, dir, "server", string(b)),
		"-nolisten", "tcp", "-noreset", "-screen", "0", "640x480x24"))
	// The client's file is what xauth writes.
	display, authority = ":"+number, filepath.Join(dir, "client")
	out, err := exec.Command(mustProgram(t, "xauth"), "-f", authority, "add", display, protocol, hex.EncodeToString(cookie)).CombinedOutput()
	if err != nil {
		t.Fatalf("xauth: %v: %s", err, out)
	}
	return display, authority
}

// OpenXServer starts an X server without a screen that lets in whoever comes, as
// X servers on Windows do, and that is reached by TCP at 127.0.0.1. It returns
// what belongs in $DISPLAY, and the file that always has the screen's picture
// (XWDFile.h).
func OpenXServer(t TB) (display, picture string) {
	t.Helper()
	dir := t.TempDir()
	number := startX(t, exec.Command(mustProgram(t, "Xvfb"), "-displayfd", "3", "-ac", "-nolisten", "tcp", "-noreset",
		"-fbdir", dir, "-screen", "0", "320x240x24"))
	// The server itself would listen at every address.
	port := FreePort(t)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatalf("%v", err)
	}
	AcceptAt(t, l, func(from net.Conn) { join(from, "/tmp/.X11-unix/X"+number) })
	return fmt.Sprintf("localhost:%d", port-6000), filepath.Join(dir, "Xvfb_screen0")
}

// join passes bytes between a connection and a Unix socket until both are silent.
func join(a net.Conn, path string) {
	b, err := net.Dial("unix", path)
	if err != nil {
		return
	}
	defer b.Close()
	go func() {
		io.Copy(b, a)
		b.(*net.UnixConn).CloseWrite()
	}()
	io.Copy(a, b)
}

// startX starts a server that tells its number at descriptor 3, and returns that.
func startX(t TB, cmd *exec.Cmd) (number string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer r.Close()
	cmd.ExtraFiles = []*os.File{w}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("Xvfb: %v", err)
	}
	w.Close()
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	line, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		t.Fatalf("Xvfb ended before it served: %s", said.String())
	}
	return strings.TrimSpace(line)
}
