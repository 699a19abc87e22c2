package sshd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
	"github.com/nacre-ssh/nacre/server"
	"github.com/nacre-ssh/nacre/term"
)

// errNoHostKeys is sshd's last word without a key.
const errNoHostKeys = sshdError("sshd: no hostkeys available -- exiting.")

// loadHostKeys reads the host keys that can be used. What is wrong with the
// others is told to say, one line or more at a time.
func loadHostKeys(c *config.Server, say func(string)) ([]key.Signer, error) {
	var signers []key.Signer
	for _, name := range c.HostKey {
		k, _, err := keyfile.Load(name, nil)
		if err != nil {
			if c.HostKeysGiven() || !errors.Is(err, fs.ErrNotExist) {
				say(hostKeyTrouble(name, err))
			}
			continue
		}
		signers = append(signers, k)
	}
	if len(signers) == 0 {
		return nil, errNoHostKeys
	}
	return append(signers, loadHostCertificates(c, signers, say)...), nil
}

func hostKeyTrouble(name string, err error) string {
	var open *keyfile.PermissionsError
	if errors.As(err, &open) {
		return open.Warning() + fmt.Sprintf("Unable to load host key \"%s\": bad permissions", term.Printable(name))
	}
	var load *keyfile.LoadError
	if errors.As(err, &load) {
		err = load.Err
	}
	return fmt.Sprintf("Unable to load host key \"%s\": %v", term.Printable(name), err)
}

// hostKeyRing holds the host keys of every configuration that connections live
// by, for the signatures that workers ask for. Safe for concurrent use.
type hostKeyRing struct {
	mu   sync.Mutex
	keys map[uint32][]key.Signer // by generation of the configuration
}

func (r *hostKeyRing) add(generation uint32, keys []key.Signer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys == nil {
		r.keys = map[uint32][]key.Signer{}
	}
	r.keys[generation] = keys
}

// signatureName is how a worker asks for a signature: the generation of the
// keys, what for, and the algorithm.
func signatureName(generation uint32, proof bool, algorithm string) string {
	purpose := " kex "
	if proof {
		purpose = " proof "
	}
	return strconv.FormatUint(uint64(generation), 10) + purpose + algorithm
}

// names are all signatures that a connection may ask for.
func (r *hostKeyRing) names(generation uint32) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, signer := range r.keys[generation] {
		for _, algorithm := range signer.Public().Algorithms() {
			names = append(names, signatureName(generation, false, algorithm), signatureName(generation, true, algorithm))
		}
	}
	return names
}

// sign makes a signature that a worker asked for: over an exchange hash, or, as
// a proof, over what the monitor builds itself from the session id.
func (r *hostKeyRing) sign(ctx context.Context, _ uint64, name string, data []byte) ([]byte, error) {
	words := strings.Fields(name)
	if len(words) != 3 {
		return nil, errors.New("malformed name of a signature")
	}
	generation, err := strconv.ParseUint(words[0], 10, 32)
	if err != nil {
		return nil, err
	}
	signer := r.find(uint32(generation), words[2])
	if signer == nil {
		return nil, fmt.Errorf("there is no host key for %s", words[2])
	}
	if words[1] == "proof" {
		data = server.ProofData(data, signer.Public())
	}
	return signer.Sign(ctx, words[2], data)
}

func (r *hostKeyRing) find(generation uint32, algorithm string) key.Signer {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, signer := range r.keys[generation] {
		for _, a := range signer.Public().Algorithms() {
			if a == algorithm {
				return signer
			}
		}
	}
	return nil
}
