package auth

import (
	"context"

	"github.com/nacre-ssh/nacre/key"
)

// Policy knows the users. It is asked from the goroutine of the conversation.
type Policy interface {
	// Begin returns the account of user, who may not exist: then it returns
	// one that names the same methods, refuses everything and takes as long
	// over it. The name is valid UTF-8 without control characters, at most
	// 1024 bytes; it is not checked further. Nil refuses everything at once.
	Begin(ctx context.Context, user string) Account
}

// Account is one user's side of a login. It belongs to one conversation. Its
// decisions are what it returns and nothing else: it must not remember what it
// was asked about, because being asked proves nothing.
//
// A nil Permit refuses. An error refuses too, and is traced.
type Account interface {
	// Methods are the alternatives, each an ordered list of methods that all
	// must succeed: AuthenticationMethods. It is asked once.
	Methods() [][]string
	// PublicKey says whether k may log in, signing with algorithm. It is asked
	// for queries and before a signature is checked, so it may be asked for
	// keys that the peer doesn't hold.
	PublicKey(ctx context.Context, k key.Public, algorithm string) (*Permit, error)
	// Password checks a password of at most 1024 bytes.
	Password(ctx context.Context, password string) (*Permit, error)
	// Interactive begins a conversation, or returns nil to refuse.
	Interactive(ctx context.Context) Conversation
}

// Refuse is the account of nobody: it names the methods, asks for a password
// where one is expected, and refuses everything. It spends no time on password
// hashes: a policy whose passwords cost time has its own.
func Refuse(methods [][]string) Account { return nobody(methods) }

type nobody [][]string

func (n nobody) Methods() [][]string { return n }

func (nobody) PublicKey(context.Context, key.Public, string) (*Permit, error) { return nil, nil }

func (nobody) Password(context.Context, string) (*Permit, error) { return nil, nil }

func (n nobody) Interactive(context.Context) Conversation {
	return OneQuestion("Password:", n.Password)
}
