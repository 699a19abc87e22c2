package applet

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/auth"
	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/key"
)

// What became of a key.
const (
	keyRefused  = "refused"
	keyAccepted = "accepted" // and no signature came of it yet
	keyWorked   = "worked"
	keySkipped  = "skipped"
)

// offered is one key that the server was, or was not, shown.
type offered struct {
	key    key.Public
	source string
	with   string // the algorithm
	result string // one of the above; "" while the server thinks
	err    error  // why it was skipped
}

// trace is auth's: it keeps and tells what happens to each key.
func (x *exam) trace(e auth.Event) {
	switch e.Kind {
	case auth.EventOffer:
		x.offers = append(x.offers, offered{key: e.Key, source: e.Source, with: e.Algorithm})
	case auth.EventAccept:
		x.settle(e, keyAccepted)
	case auth.EventSkip:
		x.skip(e)
	case auth.EventRefuse:
		x.refuse(e)
	case auth.EventContinue:
		x.more = nil
		x.can = e.Methods
		if e.Partial {
			x.more = e.Methods
			x.report.ok("login", "%s is a first step, the server wants more: %s", e.Method, strings.Join(e.Methods, ", "))
		}
	case auth.EventSuccess:
		x.settle(e, keyWorked)
	}
}

// settle notes what became of the key that was offered last.
func (x *exam) settle(e auth.Event, result string) {
	if n := len(x.offers); n > 0 && e.Key != nil {
		x.offers[n-1].result = result
	}
}

func (x *exam) refuse(e auth.Event) {
	switch {
	case e.Method == "none":
	case e.Key != nil && len(x.offers) > 0:
		x.settle(e, keyRefused)
		o := &x.offers[len(x.offers)-1]
		x.report.note("key", "%s: the server refuses it", x.describeKey(o))
	default:
		x.secret = true
		x.report.note("login", "the %s is refused", e.Method)
	}
}

func (x *exam) skip(e auth.Event) {
	o := offered{key: e.Key, source: e.Source, with: e.Algorithm, result: keySkipped, err: e.Err}
	if e.Key == nil {
		return // the agent, which was told of
	}
	if n := len(x.offers); n > 0 && x.offers[n-1].result == keyAccepted {
		x.offers = x.offers[:n-1] // it was this key, which could not sign
	}
	x.skips = append(x.skips, o)
	x.report.note("key", "%s is not used: %v", x.describeKey(&o), e.Err)
}

// describeKey is a key for people.
func (x *exam) describeKey(o *offered) string {
	return fmt.Sprintf("%s %s %s", x.source(o), cert.ShortName(o.key.Type()), x.run.policy.fingerprint(cert.PlainKey(o.key)))
}

// source is where a key comes from, for people.
func (x *exam) source(o *offered) string {
	path, agent := strings.CutSuffix(o.source, " agent")
	switch {
	case agent && path == "":
		return "a key of the agent"
	case agent:
		return x.home(path) + " (in the agent)"
	}
	return x.home(path)
}

// banner is what the server says before the login.
func (x *exam) banner(text string) {
	x.said = append(x.said, text)
	x.report.note("server", "it says: %s", excerpt(text))
}

// howIn says how the login went.
func (x *exam) howIn(c *client.Client) string {
	if n := len(x.offers); n > 0 && x.offers[n-1].result == keyWorked {
		return fmt.Sprintf("%s is let in with the key %s", c.Auth.User, x.describeKey(&x.offers[n-1]))
	}
	return fmt.Sprintf("%s is let in by %s", c.Auth.User, strings.Join(c.Auth.Methods, ", then "))
}

// remaining are the methods that the server takes.
func (x *exam) remaining() []string {
	var refused *auth.Error
	if errors.As(x.err, &refused) {
		return refused.Remaining
	}
	return x.can
}

func (x *exam) takes(method string) bool { return slices.Contains(x.remaining(), method) }

// denied says that the server heard everything and lets nobody in.
func (x *exam) denied() bool { return errors.As(x.err, new(*auth.Error)) }

// wantsKey says that the server would take a key, and that this side may use
// one.
func (x *exam) wantsKey() bool { return x.denied() && x.takes("publickey") && x.keys != nil }

// refusals are the keys that the server has refused.
func (x *exam) refusals() []offered {
	return slices.DeleteFunc(slices.Clone(x.offers), func(o offered) bool { return o.result != keyRefused })
}

// skipped is the first key that was passed over for a reason.
func (x *exam) skipped(why error) *offered {
	for i := range x.skips {
		if errors.Is(x.skips[i].err, why) {
			return &x.skips[i]
		}
	}
	return nil
}

func skippedFor(why error) func(*exam) bool {
	return func(x *exam) bool { return x.wantsKey() && x.skipped(why) != nil && len(x.offers) == 0 }
}

// lockedKey is a key that would have done but for its passphrase.
func (x *exam) lockedKey() *keyFact {
	if !x.denied() || x.asks {
		return nil
	}
	return x.keys.find(func(f *keyFact) bool {
		return f.locked && (x.skippedKey(f.public) || f.public == nil && len(x.offers) == 0)
	})
}

func (x *exam) skippedKey(k key.Public) bool {
	return k != nil && slices.ContainsFunc(x.skips, func(o offered) bool { return key.Equal(cert.PlainKey(o.key), k) })
}

// whyNotAsked says who keeps doctor from asking.
func (x *exam) whyNotAsked() string {
	switch {
	case x.forbidden:
		return " (BatchMode" + x.saidBy("BatchMode") + ")"
	case x.asks:
		return ""
	}
	return " (--batch, or no terminal)"
}

// unsigned is a key that the server would have taken and that didn't sign.
func (x *exam) unsigned() *offered {
	for i := range x.skips {
		o := &x.skips[i]
		if o.with != "" && x.denied() && !errors.Is(o.err, auth.ErrKeyAlgorithm) && !errors.Is(o.err, auth.ErrKeySize) {
			return o
		}
	}
	return nil
}

// whyNoAlgorithm says which side's list leaves nothing for a key.
func (x *exam) whyNoAlgorithm() string {
	if by := x.saidBy("PubkeyAcceptedAlgorithms"); by != "" {
		return "PubkeyAcceptedAlgorithms" + by + " leaves no signature algorithm for it that the server takes"
	}
	return "the server takes signatures of " + strings.Join(x.conn.ServerSigAlgs(), ",") + " alone"
}
