// Package pattern matches names and addresses against what people write in
// files and options: wildcards, lists with negation, networks
// (ssh_config(5), PATTERNS; sshd(8), "from").
//
// [Match] is one pattern, [List] a list of them for a name, [Addr] a list for a
// peer's address. Nothing here resolves a name, and nothing backtracks: the time
// of a match is at most the product of the two lengths.
package pattern
