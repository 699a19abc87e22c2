// Package config reads ssh_config and sshd_config: the files people have, with
// OpenSSH's quoting, patterns, defaults and error texts.
//
// There is one option table for each file. A row holds a keyword's name, its
// parser, its default, its documentation and where it may stand; parsing, -o,
// the dump (ssh -G, sshd -T) and the manual come from the row. The nouns:
//
//   - [Client] is what ssh_config says about one destination, [ClientQuery] is
//     the question that [LoadClient] answers; its nouns are [Forward], [Jump],
//     [TunnelDevice] and the like;
//   - [Report] is what [CheckClient] finds in the files: which line gave each
//     value, which lines never take effect, what is wrong;
//   - [Server] is what sshd_config says, [ServerQuery] and [LoadServer] likewise;
//   - [Known] lists the algorithm names that the engine has, handed in because
//     this room doesn't know the engine;
//   - [Error] holds every bad line of a file, [Note] what was accepted without
//     effect.
//
// The first value of a keyword wins, lists that say so collect. A keyword that
// OpenSSH has and nacre hasn't yet is accepted with a note where ignoring it is
// harmless, and refused by name where ignoring it would connect elsewhere,
// trust more or permit more than the file says. An unknown keyword is an error
// with file and line.
//
// The files are read once, and again where CanonicalizeHostname or Match final
// asks for it. A keyword's behaviour is built elsewhere: until it is, the keyword
// has a row in clientPending.
//
// It opens no connection, reads no key, and looks up no host but for
// CanonicalizeHostname. Before it on the
// way is the program's command line (internal/getopt); after it the programs
// fill the engine's own option structs from what they find here.
package config
