package forward

import "time"

// Limits of ours.
const (
	// maxHost is the longest host name, in bytes: OpenSSH's NI_MAXHOST.
	maxHost = 1024
	// maxPath is the longest path of a Unix socket on Linux, in bytes; systems
	// that have less refuse by themselves.
	maxPath = 107
	// maxGreeting is the most that a SOCKS client may say before its
	// connection is made, in bytes: a user id and a name of SOCKS 4a.
	maxGreeting = 2048
	// greetingTime is how long it may take to say it.
	greetingTime = time.Minute
	// dialTime is how long connecting to a target may take.
	dialTime = 2 * time.Minute
	// lastWords is how long a connection that stays unread may hold what came
	// before the SSH connection ended.
	lastWords = 10 * time.Second
	// acceptPause is the wait when the system has no more descriptors.
	acceptPause = time.Second
)
