package auth

import (
	"strings"

	"github.com/nacre-ssh/nacre/cert"
	"github.com/nacre-ssh/nacre/key"
)

// EventKind says what happened.
type EventKind int

const (
	// EventMethod: the client goes on to Method.
	EventMethod EventKind = iota + 1
	// EventOffer: the client offers Key from Source, with Algorithm.
	EventOffer
	// EventAccept: Key would do; a signature is still to come, or was sent at
	// once.
	EventAccept
	// EventSkip: Key or Source was not used, Err says why.
	EventSkip
	// EventRefuse: an attempt with Method failed. On the server Err may say why.
	EventRefuse
	// EventContinue: the server named the methods that can continue; Partial
	// says that Method succeeded and that more is wanted.
	EventContinue
	// EventSuccess: authentication is complete.
	EventSuccess
)

// An Event is one step of a conversation. Methods are printable US-ASCII;
// Source and User are as they were given and have to be escaped by who prints
// them.
type Event struct {
	Kind      EventKind
	User      string // server only
	Method    string
	Key       key.Public
	Algorithm string
	Source    string
	Methods   []string
	Partial   bool
	Err       error
}

// String is a sentence for -v, in the words that people know from ssh.
func (e Event) String() string {
	switch e.Kind {
	case EventMethod:
		return "Next authentication method: " + e.Method
	case EventOffer:
		return "Offering public key: " + e.key()
	case EventAccept:
		return "Server accepts key: " + e.key()
	case EventSkip:
		return "Skipping " + strings.TrimSpace(e.key()) + ": " + e.reason()
	case EventRefuse:
		return "Refused: " + strings.TrimSpace(e.Method+" "+e.key())
	case EventContinue:
		list := "Authentications that can continue: " + strings.Join(e.Methods, ",")
		if e.Partial {
			return "Authenticated using \"" + e.Method + "\" with partial success. " + list
		}
		return list
	case EventSuccess:
		return "Authenticated using \"" + e.Method + "\"."
	}
	return "unknown event"
}

func (e Event) key() string {
	if e.Key == nil {
		return e.Source
	}
	// As OpenSSH: the file, the type, the fingerprint, and what else there is.
	source, more := e.Source, ""
	if file, ok := strings.CutSuffix(source, " agent"); ok {
		source, more = file, " agent"
	}
	return strings.TrimSpace(source + " " + cert.ShortName(e.Key.Type()) + " " + fingerprint(e.Key) + more)
}

func (e Event) reason() string {
	if e.Err == nil {
		return "no reason given"
	}
	return e.Err.Error()
}
