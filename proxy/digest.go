package proxy

import (
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"strings"
)

// maxChallenges caps what one header line may offer.
const maxChallenges = 16

// A challenge is one way to log in that a proxy offers (RFC 9110, section 11.3).
type challenge struct {
	scheme string            // lower case
	params map[string]string // names in lower case
}

// hashes are the algorithms of RFC 7616, best last.
var hashes = [...]struct {
	name string
	make func() hash.Hash
}{
	{"MD5", md5.New},
	{"SHA-256", sha256.New},
}

// strength orders what we can answer; 0 is what we can't.
func (c *challenge) strength() int {
	switch c.scheme {
	case "basic":
		return 1
	case "digest":
		if i := c.hash(); i >= 0 && c.params["nonce"] != "" {
			return 2 + i
		}
	}
	return 0
}

// hash is the row of the algorithm, -1 for one that is unknown.
func (c *challenge) hash() int {
	name := strings.TrimSuffix(strings.ToUpper(c.params["algorithm"]), "-SESS")
	if name == "" {
		name = "MD5"
	}
	for i, h := range hashes {
		if h.name == name {
			return i
		}
	}
	return -1
}

func (c *challenge) stale() bool { return strings.EqualFold(c.params["stale"], "true") }

// strongest chooses among challenges, nil when none can be answered.
func strongest(list []challenge) *challenge {
	var best *challenge
	for i := range list {
		if list[i].strength() > 0 && (best == nil || list[i].strength() > best.strength()) {
			best = &list[i]
		}
	}
	return best
}

func names(list []challenge) string {
	var found []string
	for _, c := range list {
		found = append(found, c.scheme)
	}
	if found == nil {
		return "none named"
	}
	return strings.Join(found, ", ")
}

// digest is the answer to a Digest challenge (RFC 7616, section 3.4).
func (c *challenge) digest(user, password, method, uri string) (string, error) {
	qop := c.params["qop"]
	if qop != "" && !hasToken(qop, "auth") {
		return "", errors.New("it wants the message signed, which a tunnel has not")
	}
	if strings.ContainsAny(user, "\r\n") {
		return "", errors.New("no user has a line end in the name")
	}
	var random [16]byte
	rand.Read(random[:])
	return c.digestWith(user, password, method, uri, hex.EncodeToString(random[:]), qop != ""), nil
}

func (c *challenge) digestWith(user, password, method, uri, cnonce string, qop bool) string {
	algorithm := hashes[c.hash()].make
	h := func(parts ...string) string {
		sum := algorithm()
		sum.Write([]byte(strings.Join(parts, ":")))
		return hex.EncodeToString(sum.Sum(nil))
	}
	const count = "00000001"
	realm, nonce := c.params["realm"], c.params["nonce"]
	a1 := h(user, realm, password)
	session := strings.HasSuffix(strings.ToUpper(c.params["algorithm"]), "-SESS")
	if session {
		a1 = h(a1, nonce, cnonce)
	}
	a2 := h(method, uri)
	answer := h(a1, nonce, a2)
	if qop {
		answer = h(a1, nonce, count, cnonce, "auth", a2)
	}
	shown, hashed := user, strings.EqualFold(c.params["userhash"], "true")
	if hashed {
		shown = h(user, realm)
	}
	text := fmt.Sprintf(`Digest username=%s, realm=%s, nonce=%s, uri=%s, response="%s"`,
		quote(shown), quote(realm), quote(nonce), quote(uri), answer)
	if c.params["algorithm"] != "" {
		text += ", algorithm=" + c.params["algorithm"]
	}
	if opaque, ok := c.params["opaque"]; ok {
		text += ", opaque=" + quote(opaque)
	}
	if qop {
		text += ", qop=auth, nc=" + count
	}
	if qop || session {
		text += ", cnonce=" + quote(cnonce)
	}
	if hashed {
		text += ", userhash=true"
	}
	return text
}

// quote writes a quoted-string (RFC 9110, section 5.6.4).
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func hasToken(list, want string) bool {
	for word := range strings.SplitSeq(list, ",") {
		if strings.EqualFold(strings.TrimSpace(word), want) {
			return true
		}
	}
	return false
}

// parseChallenges reads a Proxy-Authenticate line, which may hold several:
// schemes and their parameters are both divided by commas. What makes no sense
// ends the reading.
func parseChallenges(text string) []challenge {
	var list []challenge
	for len(list) < maxChallenges {
		text = strings.TrimLeft(text, " \t,")
		word, rest := cutToken(text)
		if word == "" {
			break
		}
		value, rest, isParam := cutValue(rest)
		switch {
		case isParam && len(list) > 0:
			last := &list[len(list)-1]
			if name := strings.ToLower(word); len(last.params) < maxChallenges && last.params[name] == "" {
				last.params[name] = value
			}
		case isParam:
			return list
		default:
			list = append(list, challenge{strings.ToLower(word), map[string]string{}})
		}
		text = rest
	}
	return list
}

// cutToken cuts a token (RFC 9110, section 5.6.2) off the start.
func cutToken(s string) (token, rest string) {
	i := strings.IndexFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
	if i < 0 {
		i = len(s)
	}
	return s[:i], s[i:]
}

// cutValue cuts "= value" off the start, if it is there.
func cutValue(s string) (value, rest string, ok bool) {
	after, ok := strings.CutPrefix(strings.TrimLeft(s, " \t"), "=")
	if !ok {
		return "", s, false
	}
	after = strings.TrimLeft(after, " \t")
	if !strings.HasPrefix(after, `"`) {
		value, rest = cutToken(after)
		return value, rest, true
	}
	var b strings.Builder
	for i := 1; i < len(after); i++ {
		switch after[i] {
		case '"':
			return b.String(), after[i+1:], true
		case '\\':
			if i++; i == len(after) {
				return "", "", true
			}
		}
		b.WriteByte(after[i])
	}
	return "", "", true
}
