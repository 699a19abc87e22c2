package winsys

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Own gives a file an access list of its own: this user, SYSTEM and the
// Administrators, and nothing of what the directory would pass on.
func Own(path string) error {
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return fmt.Errorf("who this user is: %w", err)
	}
	return setList(path, "D:P(A;;FA;;;"+user.User.Sid.String()+")(A;;FA;;;SY)(A;;FA;;;BA)")
}

// setList gives a file an access list written as SDDL.
func setList(path, list string) error {
	sd, err := windows.SecurityDescriptorFromString(list)
	if err != nil {
		return err
	}
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return err
	}
	// SetNamedSecurityInfo would add what the directory passes on, on some
	// systems against the list's own word.
	set := windows.NewLazySystemDLL("advapi32.dll").NewProc("SetFileSecurityW")
	ok, _, err := set.Call(uintptr(unsafe.Pointer(name)), windows.DACL_SECURITY_INFORMATION, uintptr(unsafe.Pointer(sd)))
	if ok == 0 {
		return fmt.Errorf("making %s private: %w", path, err)
	}
	return nil
}

// Private is the command for cmd.exe and PowerShell that makes a file or a
// directory the user's alone, with rights as icacls writes them.
func Private(path, rights string) string {
	name := os.Getenv("USERNAME")
	if user, err := windows.GetCurrentProcessToken().GetTokenUser(); err == nil && name == "" {
		name = accountName(user.User.Sid)
	}
	return fmt.Sprintf(`icacls "%s" /inheritance:r /grant:r "%s:%s"`, path, name, rights)
}
