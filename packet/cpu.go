package packet

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// hasAES reports whether AES-GCM runs in hardware.
func hasAES() bool {
	switch runtime.GOARCH {
	case "amd64":
		return cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ
	case "arm64":
		return cpu.ARM64.HasAES && cpu.ARM64.HasPMULL || runtime.GOOS == "darwin"
	case "s390x":
		return cpu.S390X.HasAES
	case "ppc64le":
		return true
	}
	return false
}
