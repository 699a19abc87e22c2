package applet

import (
	"os/user"
	"strings"
	"testing"
	"time"

	"github.com/nacre-ssh/nacre/internal/testpeer"
)

// testMatch holds logins to what Match blocks say of them, before and after
// authentication.
func testMatch(t *testing.T, y *yard) {
	group, err := user.LookupGroupId(y.n.Gid)
	if err != nil {
		t.Fatal(err)
	}
	openSSH := testpeer.NewOpenSSH(t)
	for _, test := range []struct {
		block   string
		command string
		exit    int
		says    string // in the log
	}{
		{"Match User " + y.n.Username + "\n\tPermitTTY no", "true", 0, ""},
		{"Match Group " + group.Name + "\n\tPubkeyAuthentication no", "true", 255, ""},
		{"Match Group !" + group.Name + ",*\n\tPubkeyAuthentication no", "true", 0, ""},
		{"Match User nobody,!" + y.n.Username + "\n\tMaxSessions 0", "true", 0, ""},
		{"Match Address 127.0.0.0/8\n\tMaxSessions 0", "true", 255, "MaxSessions is 0"},
		{"Match Address 10.0.0.0/8\n\tMaxSessions 0", "true", 0, ""},
		{"Match Host 127.0.0.* LocalAddress 127.0.0.1\n\tDenyUsers " + y.n.Username, "true", 255, "listed in DenyUsers"},
		{"Match LocalPort 1\n\tDenyUsers *", "true", 0, ""},
		{"Match Invalid-User\n\tDenyUsers *", "true", 0, ""},
		{"Match RDomain x\n\tDenyUsers *", "true", 0, ""},
		{"Match User " + y.n.Username + "\n\tMaxSessions 3\nMatch all\n\tMaxSessions 0", "true", 0, ""}, // the first one counts
		{"Match all\n\tMaxSessions 0", "true", 255, "MaxSessions is 0"},
	} {
		t.Run(strings.ReplaceAll(test.block, "\n\t", ": "), func(t *testing.T) {
			// In a file of its own, because other lines follow.
			s := y.site(t, "MaxSessions 5", "Include "+y.n.write(t, "match.conf", test.block+"\n", 0o644))
			s.run(t, openSSH, testpeer.Session{Command: test.command}, test.exit)
			if test.says != "" {
				s.log.says(t, test.says)
			}
		})
	}
}

// testIdle ends what is idle: a command, and a connection without any.
func testIdle(t *testing.T, y *yard) {
	s := y.site(t, "ChannelTimeout session:command=1", "UnusedConnectionTimeout 1")
	c := s.dial(t)
	session, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := session.Run("sleep 60"); err == nil || time.Since(began) < 900*time.Millisecond || time.Since(began) > soon {
		t.Errorf("an idle command ended after %v: %v", time.Since(began), err)
	}
	s.log.says(t, "closing after 1 seconds of inactivity")
	if err := c.Wait(); err == nil {
		t.Errorf("an unused connection: %v", err)
	}
	s.log.says(t, "terminating inactive connection from user "+y.n.Username)
}
