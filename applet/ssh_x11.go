package applet

import (
	"context"
	"errors"

	"github.com/nacre-ssh/nacre/client"
	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/term"
	"github.com/nacre-ssh/nacre/x11"
)

// forwardX11 lends the display to the server's programs where that is wanted;
// nil where it isn't or can't be: a session without windows is better than none.
func (r *sshRun) forwardX11(ctx context.Context, c *client.Client) *x11.Forward {
	if !r.conf.ForwardX11 {
		return nil
	}
	name := r.Getenv("DISPLAY")
	if name == "" {
		r.say(config.LogDebug1, "debug1: X11 forwarding requested but DISPLAY not set")
		return nil
	}
	display, err := x11.ParseDisplay(name)
	if err != nil {
		r.say(config.LogError, "DISPLAY: %v; X11 is not forwarded", err)
		return nil
	}
	f, err := x11.New(ctx, display, x11.Options{
		Authority: r.Xauthority(), Trusted: r.conf.ForwardX11Trusted, Timeout: r.conf.ForwardX11Timeout,
	})
	switch {
	case errors.Is(err, x11.ErrNoCookie):
		r.say(config.LogInfo, "Warning: No xauth data; using fake authentication data for X11 forwarding.")
	case err != nil:
		r.say(config.LogInfo, "Warning: untrusted X11 forwarding setup failed: %s", term.Printable(err.Error()))
		return nil
	}
	r.say(config.LogDebug1, "debug1: Requesting X11 forwarding with authentication spoofing.")
	c.ForwardX11(f, func(origin string, err error) {
		r.say(config.LogInfo, "X11 connection from %s: %s", term.Printable(origin), term.Printable(err.Error()))
	})
	return f
}
