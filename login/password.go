package login

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"

	"github.com/go-crypt/crypt/algorithm"
	"github.com/go-crypt/crypt/algorithm/bcrypt"
	"github.com/go-crypt/crypt/algorithm/md5crypt"
	"github.com/go-crypt/crypt/algorithm/scrypt"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
)

// ErrPassword refuses a password and says nothing about why.
var ErrPassword = errors.New("wrong user name or password")

// dummyHash costs what Debian's default costs. It is the hash of no password
// that anyone knows: its last characters are made up.
const dummyHash = "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA."

// hashFormats are the formats of crypt(5) that are known, by prefix. The
// subpackages are named one by one because the library's own decoder compiles
// a regular expression at start.
func hashFormats() [7]struct {
	prefix string
	decode algorithm.DecodeFunc
} {
	return [7]struct {
		prefix string
		decode algorithm.DecodeFunc
	}{
		{"$y$", scrypt.Decode}, // yescrypt
		{"$6$", shacrypt.Decode},
		{"$5$", shacrypt.Decode},
		{"$2b$", bcrypt.Decode},
		{"$2y$", bcrypt.Decode},
		{"$2a$", bcrypt.Decode},
		{"$1$", md5crypt.Decode},
	}
}

// decoderFor returns the decoder of a hash that a password can match, or nil.
func decoderFor(hash string) algorithm.DecodeFunc {
	for _, f := range hashFormats() {
		if strings.HasPrefix(hash, f.prefix) {
			return f.decode
		}
	}
	return nil
}

// matches compares password with the account's hash. Where that can't match it
// spends the time of dummy and says no.
func (a *Account) matches(password []byte, dummy string, permitEmpty bool) bool {
	if a.Hash == "" && permitEmpty && len(password) == 0 {
		return true
	}
	if decoderFor(a.Hash) == nil || len(password) > MaxPassword {
		hashMatches(dummy, password[:min(len(password), MaxPassword)])
		return false
	}
	return hashMatches(a.Hash, password)
}

func hashMatches(hash string, password []byte) bool {
	decode := decoderFor(hash)
	if decode == nil {
		return false
	}
	digest, err := decode(hash)
	if err != nil {
		return false
	}
	ok, err := digest.MatchBytesAdvanced(password)
	return ok && err == nil
}

// gate lets as many in at once as there are processors: a yescrypt hash takes
// 16 MiB, and a thousand guesses at once must not take a thousand times that.
type gate struct {
	once  sync.Once
	slots chan struct{}
}

func (g *gate) enter(ctx context.Context) error {
	g.once.Do(func() { g.slots = make(chan struct{}, runtime.GOMAXPROCS(0)) })
	select {
	case g.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g *gate) leave() { <-g.slots }
