package term

// OpenPTY is not possible here yet.
func OpenPTY(PTYOptions) (*PTY, error) { return nil, ErrUnsupported }

// Resize is not possible here yet.
func (p *PTY) Resize(Size) error { return ErrUnsupported }
