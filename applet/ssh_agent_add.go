package applet

import (
	"context"
	"fmt"
	"sync"

	"github.com/nacre-ssh/nacre/agent"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/term"
)

// A rememberedKey is a key of a file that goes to the agent when it is used
// (AddKeysToAgent).
type rememberedKey struct {
	key.Signer
	once sync.Once
	add  func(context.Context)
}

// Sign implements key.Signer.
func (k *rememberedKey) Sign(ctx context.Context, algorithm string, data []byte) ([]byte, error) {
	signature, err := k.Signer.Sign(ctx, algorithm, data)
	if err == nil {
		k.once.Do(func() { k.add(ctx) })
	}
	return signature, err
}

// remembered wraps a key of a file; private gives the key once it has signed.
func (k *sshKeys) remembered(path string, s key.Signer, private func() (*key.Private, string)) key.Signer {
	if k.run.conf.AddKeysToAgent.Mode == "no" || k.socket() == "" {
		return s
	}
	return &rememberedKey{Signer: s, add: func(ctx context.Context) {
		open, comment := private()
		if comment == "" {
			comment = path
		}
		k.addToAgent(ctx, path, open, comment)
	}}
}

// addToAgent gives a key to the agent. Failing at that stops nobody.
func (k *sshKeys) addToAgent(ctx context.Context, path string, private *key.Private, comment string) {
	wish := k.run.conf.AddKeysToAgent
	if wish.Mode == "ask" && !k.run.MayUse(ctx, fmt.Sprintf("Add key %s (%s) to agent?", path, term.Printable(comment))) {
		k.run.say(config.LogDebug1, "debug1: The key %s is not added to the agent: nobody allowed it.", path)
		return
	}
	c, err := agent.Dial(ctx, k.socket())
	if err == nil {
		defer c.Close()
		err = c.Add(ctx, agent.AddedKey{Private: private, Comment: comment, Lifetime: wish.Lifetime, Confirm: wish.Mode == "confirm"})
	}
	if err != nil {
		k.run.say(config.LogDebug1, "debug1: The key %s is not added to the agent: %v", path, err)
		return
	}
	k.run.say(config.LogDebug1, "debug1: identity added to agent: %s", path)
}
