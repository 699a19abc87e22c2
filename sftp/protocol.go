package sftp

import (
	"errors"
	"fmt"
	"io/fs"
)

// Message numbers: draft-ietf-secsh-filexfer-02, section 3.
const (
	msgInit     = 1
	msgVersion  = 2
	msgOpen     = 3
	msgClose    = 4
	msgRead     = 5
	msgWrite    = 6
	msgSetstat  = 9
	msgRemove   = 13
	msgMkdir    = 14
	msgRename   = 18
	msgStatus   = 101
	msgHandle   = 102
	msgData     = 103
	msgExtended = 200
)

// version is the protocol's that everybody speaks.
const version = 3

// Flags of an open: section 6.3.
const (
	openRead     = 0x01
	openWrite    = 0x02
	openCreate   = 0x08
	openTruncate = 0x10
)

// attrPermissions says that attributes hold a mode: section 5.
const attrPermissions = 0x04

// extPosixRename replaces what is there, unlike the protocol's own rename:
// PROTOCOL, section 4.3.
const extPosixRename = "posix-rename@openssh.com"

// Limits of ours, in bytes.
const (
	maxReply      = 256<<10 + 1024 // the longest packet taken, as OpenSSH has it
	chunk         = 32 << 10       // data in one packet: every server takes so much
	maxHandle     = 256            // section 6.3
	maxExtensions = 64             // pairs that a server's version may list
)

// A StatusError is a request that the server refused.
type StatusError struct {
	Op, Path string
	Code     uint32 // section 7
	Text     string // the server's words: escape before printing
}

// Codes of a status: section 7.
const (
	statusOK          = 0
	statusEOF         = 1
	statusNoSuchFile  = 2
	statusDenied      = 3
	statusUnsupported = 8
)

func (e *StatusError) Error() string {
	text := e.Text
	if text == "" {
		text = fmt.Sprintf("status %d", e.Code)
	}
	return fmt.Sprintf("%s %s: the server says %q", e.Op, e.Path, text)
}

// Is tells fs.ErrNotExist, fs.ErrPermission and errors.ErrUnsupported.
func (e *StatusError) Is(target error) bool {
	switch e.Code {
	case statusNoSuchFile:
		return target == fs.ErrNotExist
	case statusDenied:
		return target == fs.ErrPermission
	case statusUnsupported:
		return target == errors.ErrUnsupported
	}
	return false
}
