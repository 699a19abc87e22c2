package login

import "time"

// Limits of ours.
const (
	// maxName is the longest user name, in bytes (LOGIN_NAME_MAX).
	maxName = 255
	// maxDatabaseLine caps a line of passwd, group or shadow; a group line
	// names all its members.
	maxDatabaseLine = 1 << 20
	// maxDatabase caps what is read of one such file.
	maxDatabase = 64 << 20
	// maxGroups is the kernel's NGROUPS_MAX on Linux.
	maxGroups = 65536
	// MaxPassword is the longest password that is tried, in bytes (sshd's own
	// limit).
	MaxPassword = 1024

	// maxKeyLine caps a line of authorized_keys.
	maxKeyLine = 16 << 10
	// maxKeyFile caps what is read of an authorized_keys file: some services
	// keep every customer's key in one.
	maxKeyFile = 64 << 20
	// maxOptions caps the options of a line, maxOptionList the entries that
	// environment, permitopen and permitlisten may collect.
	maxOptions    = 256
	maxOptionList = 256

	// maxVariables and maxEnvironment cap what a client may send as
	// environment, in variables and bytes, for one session.
	maxVariables   = 128
	maxEnvironment = 64 << 10

	// maxNotice caps motd and nologin texts.
	maxNotice = 64 << 10

	// pipeSize is what a session's pipes are grown to where the kernel allows.
	pipeSize = 1 << 20
)

// Limits of the control socket between the monitor and a worker.
const (
	// MaxState and MaxPolicy cap the two values of a hand-over, in bytes.
	MaxState  = 1 << 20
	MaxPolicy = 256 << 10

	maxSignData    = 64 // an exchange hash: 20 to 64 bytes
	maxSignature   = 16 << 10
	maxAlgorithm   = 64
	maxLogText     = 1 << 10
	maxReason      = 512
	maxPath        = 4096
	maxStderr      = 64 << 10
	handTimeout    = 20 * time.Second
	handAttempts   = 5
	defaultIdle    = 10 * time.Second
	defaultConns   = 16384
	defaultChilds  = 4096
	signBurst      = 16          // signatures a connection may ask for at once,
	signEvery      = time.Second // and one more each
	logBurst       = 200
	logEvery       = 50 * time.Millisecond
	maxSigners     = 32 // signatures being made for one worker
	unsentDeadline = 10 * time.Second
)
