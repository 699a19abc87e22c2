package applet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os/exec"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// A calculator that a real sshd has started draws itself on the display here,
// with all rights and with few: its window has several colours.
func TestX11Drawn(t *testing.T) {
	id := testpeer.NewKey(t, testpeer.Ed25519)
	at := testpeer.NewOpenSSH(t).Start(t, testpeer.ServerOptions{
		HostKeys: []*testpeer.Key{testpeer.NewKey(t, testpeer.Ed25519)}, Authorized: id,
		Config: []string{"X11Forwarding yes"},
	})
	h := &host{Running: at, dir: t.TempDir()}
	conf := h.write(t, "config", h.config("IdentityFile "+id.Path, "StrictHostKeyChecking no", "UserKnownHostsFile /dev/null"))
	for _, option := range []string{"-X", "-Y"} {
		t.Run(option, func(t *testing.T) {
			t.Parallel()
			display, authority := testpeer.XServer(t)
			local := func(name string, args ...string) *exec.Cmd {
				cmd := exec.Command(name, args...)
				cmd.Env = append(cmd.Environ(), "DISPLAY="+display, "XAUTHORITY="+authority, "SSH_AUTH_SOCK=")
				return cmd
			}
			session := local("ssh", option, "-F", conf, "127.0.0.1", "exec xcalc -geometry 300x400+20+20 -bg navy -fg white -xrm '*Command.background: orange'")
			if err := session.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { session.Process.Kill(); session.Wait() })
			awaitColours(t, func() ([]byte, error) { return local("xwd", "-silent", "-nobdrs", "-name", "Calculator").Output() })
		})
	}
}

// awaitColours takes screenshots until one shows a window of 300 by 400 with
// three colours, each of them on a hundredth of it.
func awaitColours(t *testing.T, shoot func() ([]byte, error)) {
	t.Helper()
	var last error
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // xwd doesn't wait for windows
		shot, err := shoot()
		if err == nil {
			err = colourful(shot, 300, 400)
		}
		if last = err; err == nil {
			return
		}
	}
	t.Fatalf("the window: %v", last)
}

// colourful reads an XWD dump of 32 bits a pixel: 25 numbers of 32 bits, the
// window's name, the colour map, the pixels (XWDFile.h).
func colourful(shot []byte, width, height int) error {
	const fields, mapEntry, minority = 25, 12, 100
	if len(shot) < 4*fields {
		return errors.New("no dump")
	}
	field := func(i int) int { return int(binary.BigEndian.Uint32(shot[4*i:])) }
	header, w, h, bits, line, colours := field(0), field(4), field(5), field(11), field(12), field(19)
	if w != width || h != height || bits != 32 {
		return fmt.Errorf("%d by %d pixels of %d bits", w, h, bits)
	}
	pixels := shot[header+mapEntry*colours:]
	count := map[uint32]int{}
	for y := range h {
		for x := range w {
			count[binary.LittleEndian.Uint32(pixels[y*line+4*x:])]++
		}
	}
	common := 0
	for _, n := range count {
		if n >= w*h/minority {
			common++
		}
	}
	if common < 3 {
		return fmt.Errorf("%d of its %d colours are common", common, len(count))
	}
	return nil
}
