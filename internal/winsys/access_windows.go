package winsys

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

// An Access is what somebody may do with a file.
type Access windows.ACCESS_MASK

// What is asked about. The generic rights are for lists that nobody has mapped.
const (
	Read  Access = windows.FILE_READ_DATA | windows.GENERIC_READ | windows.GENERIC_ALL
	Write Access = windows.FILE_WRITE_DATA | windows.FILE_APPEND_DATA | windows.WRITE_DAC | windows.WRITE_OWNER |
		windows.GENERIC_WRITE | windows.GENERIC_ALL
)

// Of winnt.h.
const (
	allowed         = 0 // ACCESS_ALLOWED_ACE_TYPE
	allowedCallback = 9 // ACCESS_ALLOWED_CALLBACK_ACE_TYPE: the same with a condition
)

// trusted are those who may do everything with a user's files anyway: SYSTEM,
// the Administrators, the file's owner under the names that stand for them, and
// the service that installs Windows.
var trusted = [...]string{
	"S-1-5-18", "S-1-5-32-544", "S-1-3-0", "S-1-3-4",
	"S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464",
}

// Stranger names somebody besides this user and the machine's own
// administration whom a file's access list gives the access; "" for nobody.
func Stranger(path string, access Access) (string, error) {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION)
	if err != nil {
		return "", fmt.Errorf("reading the access list of %s: %w", path, err)
	}
	list, _, err := sd.DACL()
	if err != nil || list == nil {
		return "Everyone", nil // no list is everybody's permission
	}
	for i := range uint32(list.AceCount) {
		var ace *windows.ACCESS_ALLOWED_ACE
		if err := windows.GetAce(list, i, &ace); err != nil {
			return "", fmt.Errorf("reading the access list of %s: %w", path, err)
		}
		if !grants(ace, access) {
			continue
		}
		if sid := (*windows.SID)(unsafe.Pointer(&ace.SidStart)); !isTrusted(sid) {
			return accountName(sid), nil
		}
	}
	return "", nil
}

func grants(ace *windows.ACCESS_ALLOWED_ACE, access Access) bool {
	kind, flags := ace.Header.AceType, ace.Header.AceFlags
	return (kind == allowed || kind == allowedCallback) && flags&windows.INHERIT_ONLY_ACE == 0 && Access(ace.Mask)&access != 0
}

// Owner names a file's owner where that is a stranger; "" where it is not.
func Owner(path string) (string, error) {
	sd, err := windows.GetNamedSecurityInfo(path, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return "", fmt.Errorf("reading the owner of %s: %w", path, err)
	}
	sid, _, err := sd.Owner()
	if err != nil || sid == nil || isTrusted(sid) {
		return "", err
	}
	return accountName(sid), nil
}

func isTrusted(sid *windows.SID) bool {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err == nil && sid.Equals(user.User.Sid) {
		return true
	}
	text := sid.String()
	for _, other := range trusted {
		if text == other {
			return true
		}
	}
	return false
}

// accountName is DOMAIN\name, or the SID where the system has no name.
func accountName(sid *windows.SID) string {
	name, domain, _, err := sid.LookupAccount("")
	switch {
	case err != nil:
		return sid.String()
	case domain == "":
		return name
	}
	return domain + `\` + name
}
