// Package agents has the programs about the agent: ssh-agent, ssh-add and pageant,
// with the options, the words and the exit codes of their originals.
//
// The protocol and the keys in memory are the agent room's; here are the command
// lines, the sockets and pipes where an agent answers, and the processes that it
// lives and dies with.
package agents
