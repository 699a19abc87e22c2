package applet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"strings"

	"github.com/nacre-ssh/nacre/applet/door"
	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/wire"
)

// hostKeyTypes are the middles of the names of this machine's host key files.
var hostKeyTypes = [...]string{"ecdsa", "ed25519", "rsa"}

func hostKeyFile(typ string) string { return "/etc/ssh/ssh_host_" + typ + "_key" }

// hostBased is HostbasedAuthentication: this machine vouches for its user. Its
// private keys are for the signing helper alone, as with OpenSSH: this program
// reads the public halves.
func (r *sshRun) hostBased() auth.ClientMethod {
	me := ""
	if u, err := user.Current(); err == nil {
		me = u.Username
	}
	return auth.HostBased(publicHostKeys, r.conf.HostbasedAcceptedAlgorithms, loginName, me)
}

func publicHostKeys(context.Context) ([]auth.Identity, error) {
	var ids []auth.Identity
	for _, typ := range hostKeyTypes {
		path := hostKeyFile(typ) + ".pub"
		text, err := door.ReadCapped(path)
		if err != nil {
			continue
		}
		if k, err := keyfile.ParseAuthorizedKey(door.FirstLine(text)); err == nil {
			ids = append(ids, auth.Identity{Signer: &helperSigner{k.Key}, Source: path})
		}
	}
	return ids, nil
}

// loginName is what this machine is called where a login goes out.
func loginName(ctx context.Context) (string, error) {
	if nc, ok := client.LoginConn(ctx); ok {
		return localName(ctx, nc.LocalAddr())
	}
	return os.Hostname()
}

// localName is the name of a local address, as the resolver has it, and of this
// machine where the connection is none of the network's.
func localName(ctx context.Context, addr net.Addr) (string, error) {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return os.Hostname()
	}
	names, err := net.DefaultResolver.LookupAddr(ctx, tcp.IP.String())
	if err != nil || len(names) == 0 {
		return "", fmt.Errorf("the address %s has no name, by which this machine could vouch", tcp.IP)
	}
	return strings.TrimSuffix(names[0], "."), nil
}

// A helperSigner has the signing helper sign.
type helperSigner struct{ public key.Public }

// Public implements key.Signer.
func (s *helperSigner) Public() key.Public { return s.public }

// Sign implements key.Signer.
func (s *helperSigner) Sign(ctx context.Context, _ string, data []byte) ([]byte, error) {
	nc, ok := client.LoginConn(ctx)
	if !ok {
		return nil, errors.New("there is no connection to vouch on")
	}
	helper := signingHelper()
	if helper == nil {
		return nil, errors.New("there is no ssh-keysign, which signs with the host's keys (package openssh-client has it)")
	}
	return askHelper(ctx, helper, nc, data)
}

// signingHelper is the command of OpenSSH's helper, which is setuid root, or for
// root of our own.
func signingHelper() []string {
	for _, dir := range []string{"/usr/lib/openssh", "/usr/libexec/openssh", "/usr/libexec", "/usr/lib/ssh"} {
		if _, err := os.Stat(dir + "/ssh-keysign"); err == nil {
			return []string{dir + "/ssh-keysign"}
		}
	}
	if self, err := os.Executable(); err == nil && os.Geteuid() == 0 {
		return []string{self, "ssh-keysign"}
	}
	return nil
}

// The protocol with the helper: messages of a length, a version and fields
// (OpenSSH's ssh-keysign.c).
const (
	keysignVersion = 2
	keysignFD      = 3 // where the helper finds the connection
	maxKeysign     = 1 << 18
)

func writeKeysign(w io.Writer, fields []byte) error {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(fields)+1))
	_, err := w.Write(append(append(b, keysignVersion), fields...))
	return err
}

func readKeysign(r io.Reader) ([]byte, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n < 1 || n > maxKeysign {
		return nil, fmt.Errorf("a message of %d bytes", n)
	}
	if head[4] != keysignVersion {
		return nil, fmt.Errorf("version %d of the protocol, not %d", head[4], keysignVersion)
	}
	fields := make([]byte, n-1)
	_, err := io.ReadFull(r, fields)
	return fields, err
}

// keysignRequest are the fields of the question.
func keysignRequest(data []byte) []byte {
	return wire.AppendString(binary.BigEndian.AppendUint32(nil, keysignFD), data)
}

// keysignAnswer reads the signature.
func keysignAnswer(out io.Reader) ([]byte, error) {
	fields, err := readKeysign(out)
	if err != nil {
		return nil, err
	}
	reader := wire.NewReader(fields)
	signature := reader.Bytes()
	return signature, reader.End()
}
