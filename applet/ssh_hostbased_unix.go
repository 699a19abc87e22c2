//go:build unix

package applet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// askHelper has the helper sign data. It gets the connection, to see for itself
// what this machine is called on it.
func askHelper(ctx context.Context, argv []string, nc net.Conn, data []byte) ([]byte, error) {
	conn, ok := nc.(interface {
		File() (*os.File, error)
		SyscallConn() (syscall.RawConn, error)
	})
	if !ok {
		return nil, errors.New("the connection goes through a proxy, and has no address of this machine's to vouch with")
	}
	file, err := conn.File()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var question, out, failed bytes.Buffer
	if err := writeKeysign(&question, keysignRequest(data)); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &question, &capped{&out, maxKeysign}, &capped{&failed, maxKeysign}
	cmd.ExtraFiles = []*os.File{file}
	err = cmd.Start()
	// Passing it on has made the connection block, here, too.
	if raw, e := conn.SyscallConn(); e == nil {
		raw.Control(func(fd uintptr) { unix.SetNonblock(int(fd), true) })
	}
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", argv[0], err, strings.Join(strings.Fields(failed.String()), " "))
	}
	return keysignAnswer(&out)
}

// capped drops what goes beyond its room.
type capped struct {
	to   *bytes.Buffer
	room int
}

func (c *capped) Write(b []byte) (int, error) {
	c.to.Write(b[:min(len(b), max(0, c.room-c.to.Len()))])
	return len(b), nil
}
