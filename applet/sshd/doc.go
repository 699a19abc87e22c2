// Package sshd has the server's program: sshd, and the process of a user that it
// starts. sshd_config is read by the config room, connections are the server room's,
// users and processes the login room's; here they are put together.
//
// It words its log as sshd does, since people and programs watch it.
package sshd
