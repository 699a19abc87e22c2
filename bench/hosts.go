package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/knownhosts"
	"github.com/nacre-ssh/nacre/wire"
)

// tool is another program of a side than ssh.
func (s side) tool(name string) []string {
	if len(s.client) > 1 { // nacre and a door
		return []string{s.client[0], name}
	}
	return []string{name}
}

// timeTool runs a program of each side in turn, after one run to warm up, and
// returns what each run took, in seconds. Each must print as many lines as want.
func (b *bench) timeTool(name string, runs, want int, args ...string) (took [2][]float64, err error) {
	for run := -1; run < runs; run++ {
		for i, s := range b.sides() {
			argv := append(s.tool(name), args...)
			cmd := exec.CommandContext(b.ctx, argv[0], argv[1:]...)
			cmd.Env = b.environment()
			began := time.Now()
			out, err := cmd.Output()
			if err != nil {
				return took, fmt.Errorf("%s of %s: %w", name, s.name, err)
			}
			if n := bytes.Count(out, []byte{'\n'}); n != want {
				return took, fmt.Errorf("%s of %s printed %d lines, not %d", name, s.name, n, want)
			}
			if run >= 0 {
				took[i] = append(took[i], time.Since(began).Seconds())
			}
		}
	}
	return took, nil
}

// hostsRow looks one host up in a long known_hosts file: three lines for each
// host, as ssh-keyscan collects them.
func hostsRow(b *bench) error {
	lines := b.size(99_999, 3_000)
	for _, hashed := range []bool{false, true} {
		path, name, err := b.knownHosts(lines, hashed)
		if err != nil {
			return err
		}
		const found = 6 // three lines, and one before each
		took, err := b.timeTool("ssh-keygen", max(b.size(9, 3), b.runs), found, "-F", name, "-f", path)
		if err != nil {
			return err
		}
		kind := "plain"
		if hashed {
			kind = "hashed"
		}
		figure := fmt.Sprintf("ssh-keygen -F among %d %s lines", lines, kind)
		b.row(figure, "ms", 1000*median(took[0]), b.peer.name, 1000*median(took[1]), atMostTimes("1/3", 1.0/3))
	}
	return nil
}

// knownHosts writes a file, and names the host that is last in it.
func (l *lab) knownHosts(lines int, hashed bool) (path, last string, err error) {
	path = l.path("known_hosts.long")
	f, err := os.Create(path)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	random := rand.NewChaCha8([32]byte{})
	// How long the rest of a key is: what -F prints isn't decoded.
	kinds := []struct {
		typ  string
		size int
	}{{key.TypeRSA, 396}, {key.TypeECDSA256, 89}, {key.TypeEd25519, 32}}
	for i := range lines {
		last = fmt.Sprintf("host%06d.example.com", i/len(kinds))
		names := fmt.Sprintf("%s,10.0.%d.%d", last, i/3>>8, i/3&255)
		if hashed {
			names = knownhosts.HashName(last)
		}
		kind := kinds[i%len(kinds)]
		body := make([]byte, kind.size)
		_, _ = random.Read(body)
		blob := wire.AppendString(wire.AppendString(nil, kind.typ), body)
		fmt.Fprintf(w, "%s %s %s\n", names, kind.typ, base64.StdEncoding.EncodeToString(blob))
	}
	return path, last, w.Flush()
}

// keyscanRow collects the key of many hosts, which are one server by many names.
func keyscanRow(b *bench) error {
	srv, err := b.serve(b.peer)
	if err != nil {
		return err
	}
	hosts := b.size(200, 20)
	var names []string
	for i := range hosts {
		names = append(names, fmt.Sprintf("%s host%d", loopback, i))
	}
	path, err := b.write("hosts", names...)
	if err != nil {
		return err
	}
	took, err := b.timeTool("ssh-keyscan", b.runs, hosts, "-t", "ed25519", "-T", "60", "-p", strconv.Itoa(srv.port), "-f", path)
	if err != nil {
		return err
	}
	b.row(fmt.Sprintf("ssh-keyscan of %d hosts", hosts), "s", median(took[0]), b.peer.name, median(took[1]), atMostTimes("1", 1))
	return nil
}
