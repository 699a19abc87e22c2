//go:build unix

package applet

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/wire"
)

func keysignDoors() []door.Door {
	return []door.Door{{Name: "ssh-keysign", Group: "keys", Help: "sign for host-based authentication, as a helper of ssh", Link: true, Run: runKeysign}}
}

// keysignPatience is how long a name may take to be found.
const keysignPatience = time.Minute

// runKeysign is ssh-keysign: it signs with the host's keys, for the user who
// calls, a request of host-based authentication that says so, and nothing else.
// It may be setuid root: the keys are read first, and then it is the caller.
func runKeysign(ctx context.Context, e *door.Env) int {
	ctx, cancel := context.WithTimeout(ctx, keysignPatience)
	defer cancel()
	if err := keysign(ctx, e); err != nil {
		e.Errorf("%v", err)
		return 255
	}
	return 0
}

func keysign(ctx context.Context, e *door.Env) error {
	keys := privateHostKeys()
	if err := becomeCaller(); err != nil {
		return err
	}
	conf, err := config.LoadClient(config.ClientQuery{Host: "localhost", File: "/etc/ssh/ssh_config", Known: door.KnownAlgorithms()})
	switch {
	case err != nil:
		return err
	case !conf.EnableSSHKeysign:
		return fmt.Errorf("ssh-keysign not enabled in /etc/ssh/ssh_config (EnableSSHKeysign yes, outside of Host and Match)")
	case len(keys) == 0:
		return fmt.Errorf("no hostkey found (may the files in /etc/ssh be read? ssh-keysign has to belong to root and be setuid)")
	}
	fields, err := readKeysign(e.Stdin)
	if err != nil {
		return fmt.Errorf("bad message: %w", err)
	}
	r := wire.NewReader(fields)
	fd, data := r.Uint32(), r.Bytes()
	if err := r.End(); err != nil || fd < 3 || fd > 1<<16 {
		return fmt.Errorf("bad message")
	}
	signer, algorithm, err := keysignJudge(ctx, keys, int(fd), data)
	if err != nil {
		return err
	}
	signature, err := signer.Sign(ctx, algorithm, data)
	if err != nil {
		return err
	}
	return writeKeysign(e.Stdout, wire.AppendString(nil, signature))
}

// keysignJudge refuses what is not about this machine, its caller and one of its
// keys.
func keysignJudge(ctx context.Context, keys []*key.Private, fd int, data []byte) (*key.Private, string, error) {
	q, k, err := auth.ParseHostRequest(data)
	if err != nil {
		return nil, "", fmt.Errorf("not a valid request: %w", err)
	}
	me, err := user.LookupId(strconv.Itoa(os.Getuid()))
	if err != nil {
		return nil, "", err
	}
	name, err := nameOfSocket(ctx, fd)
	if err != nil {
		return nil, "", fmt.Errorf("cannot get local name for fd: %w", err)
	}
	switch {
	case q.ClientUser != me.Username:
		return nil, "", fmt.Errorf("not a valid request: it is for the user %.64q", q.ClientUser)
	case !strings.EqualFold(q.ClientHost, name+"."):
		return nil, "", fmt.Errorf("not a valid request: it is for the host %.255q, and this one is %s", q.ClientHost, name)
	}
	for _, private := range keys {
		if bytes.Equal(private.Public().Blob(), k.Blob()) {
			return private, q.Algorithm, nil
		}
	}
	return nil, "", fmt.Errorf("no matching hostkey found for key %s %s", k.Type(), keyfile.FingerprintSHA256(k))
}

func privateHostKeys() []*key.Private {
	var keys []*key.Private
	for _, typ := range hostKeyTypes {
		if k, _, err := keyfile.Load(hostKeyFile(typ), nil); err == nil {
			keys = append(keys, k)
		}
	}
	return keys
}

// becomeCaller gives the rights of a setuid program up, for good.
func becomeCaller() error {
	if err := syscall.Setgid(os.Getgid()); err != nil {
		return fmt.Errorf("giving up the group's rights: %w", err)
	}
	if err := syscall.Setuid(os.Getuid()); err != nil {
		return fmt.Errorf("giving up root's rights: %w", err)
	}
	if door.Elevated() {
		return fmt.Errorf("root's rights were not given up")
	}
	return nil
}

// nameOfSocket is what this machine is called on a connection that was inherited.
func nameOfSocket(ctx context.Context, fd int) (string, error) {
	file := os.NewFile(uintptr(fd), "connection")
	conn, err := net.FileConn(file)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	return localName(ctx, conn.LocalAddr())
}
