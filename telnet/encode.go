package telnet

// appendData appends data as it goes over the wire: IAC doubled and, where
// eight bits aren't agreed, each CR that no LF follows with a NUL behind it
// (RFC 854, "The NVT printer and keyboard").
func appendData(out, data []byte, binary bool) []byte {
	for i, c := range data {
		out = append(out, c)
		switch {
		case c == byte(iac):
			out = append(out, c)
		case c == '\r' && !binary && (i+1 == len(data) || data[i+1] != '\n'):
			out = append(out, 0)
		}
	}
	return out
}
