//go:build !linux

package tun

import (
	"errors"
	"fmt"
)

// Open is not supported on this system.
func Open(mode Mode, _ int) (*Device, error) {
	if _, err := mode.name(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("network devices: %w", errors.ErrUnsupported)
}
