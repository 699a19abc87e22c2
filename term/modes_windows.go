package term

import "os"

// ReadModes returns the modes of a Windows console: it has no termios, so these
// are what a Unix terminal has by default.
func ReadModes(*os.File) (Modes, error) {
	return Modes{
		{opOSpeed, 38400}, {opISpeed, 38400}, {opVINTR, 3}, {3, 127}, {5, 4}, {8, 17}, {9, 19}, {10, 26},
		{36, 1}, {38, 1}, {opIUTF8, 1}, {50, 1}, {51, 1}, {opECHO, 1}, {54, 1}, {55, 1}, {59, 1}, {70, 1}, {72, 1}, {opCS8, 1},
	}, nil
}

// Apply is not possible here.
func (m Modes) Apply(*os.File) error { return ErrUnsupported }
