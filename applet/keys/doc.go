// Package keys has the programs about keys: ssh-keygen, ssh-keyscan and keys;
// puttygen; dropbearkey and dropbearconvert. Each has the options, the words and the
// exit codes of its original.
//
// What is done to keys is done in the rooms key, keyfile, cert, knownhosts and putty;
// here are the command lines.
package keys
