package telnet

// A Variable is one environment variable that the user wants the other side to
// know.
type Variable struct{ Name, Value string }
