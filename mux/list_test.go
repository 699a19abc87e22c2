package mux

import (
	"context"
	"errors"
	"testing"
)

// A list names what is open, and an idle connection is told.
func TestListAndIdle(t *testing.T) {
	accepted := make(chan *Channel, 2)
	client, server := pair(t, Config{}, accepting(func(ch *Channel) { accepted <- ch }))
	if err := client.AwaitIdle(t.Context()); err != nil {
		t.Fatal(err)
	}
	ch, err := client.OpenChannel(t.Context(), "session", nil, Options{Name: "a shell"})
	if err != nil {
		t.Fatal(err)
	}
	other := <-accepted
	for m, name := range map[*Mux]string{client: "a shell", server: "session"} {
		list := m.Channels()
		if len(list) != 1 || list[0].Name != name || list[0].Type != "session" || !list[0].Confirmed || list[0].SentEOF {
			t.Errorf("the list is %+v", list)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := client.AwaitIdle(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("while a channel is open: %v", err)
	}
	ch.Close()
	other.Close()
	if err := client.AwaitIdle(t.Context()); err != nil || len(client.Channels()) != 0 {
		t.Errorf("at the end: %v, %v", err, client.Channels())
	}
}

// Global requests leave together and are answered in order.
func TestAsk(t *testing.T) {
	client, _ := pair(t, Config{}, Config{Global: func(r *GlobalRequest) { r.Reply(r.Name != "no", r.Payload) }})
	var waits []func(context.Context) (bool, []byte, error)
	for _, name := range []string{"one", "no", "two"} {
		wait, err := client.Ask(name, []byte(name))
		if err != nil {
			t.Fatal(err)
		}
		waits = append(waits, wait)
	}
	for i, want := range []string{"one", "", "two"} {
		ok, payload, err := waits[i](t.Context())
		if err != nil || ok != (want != "") || string(payload) != want {
			t.Errorf("request %d: %v, %q, %v", i, ok, payload, err)
		}
	}
}
