// Package login is where a proven name becomes a person of the operating
// system: users, their files, their processes, and the process that holds
// their connections.
//
// Its nouns:
//
//   - [Database] reads passwd, group and shadow: [User], [Account], passwords.
//   - [KeyFiles] reads authorized_keys with the user's own file-system identity
//     and answers with the [Restrictions] of the line that matched.
//   - [Environment] and [AcceptEnv] make the environment of a session.
//   - [Runner] starts commands and shells ([Spec]) and gives a [Process].
//   - [Supervisor], in the monitor (root), hands authenticated connections to
//     one process per login context; [RunWorker] is that process.
//   - [Startups] counts connections that have not logged in yet and remembers
//     sources that misbehave; it does no I/O.
//
// The way of a connection:
//
//	accept ─► Startups ─► auth ─► Database, KeyFiles        (monitor, root)
//	                                   │ socket, state, policy
//	                              Supervisor ══ control socket ══► RunWorker
//	                                   ▲                             │ (user)
//	                                   └──── signatures, log ────────┤
//	                                                          Runner ► Process
//
// What it does not do: it speaks no SSH (package server and the rooms under it
// do), it uses no PAM and no NSS (an account must be in the files), it writes no
// utmp, and it never switches credentials for a single command: a command runs
// as the user that the process already is.
//
// On systems other than Linux there is no file-system identity of a thread, so
// root reads only root's key files; on Windows everything that needs Unix
// answers [errors.ErrUnsupported].
package login
