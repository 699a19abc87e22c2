package applet

import (
	"fmt"

	"github.com/nacre-ssh/nacre/applet/door"
)

// plinkUsageText is what plink --help prints: the original's, with what this one
// adds and does otherwise.
const plinkUsageText = `Usage: plink [options] [user@]host [command]
       ("host" can also be a PuTTY saved session name)
Options:
  -V        print version information and exit
  -pgpfp    print PGP key fingerprints and exit
  -v        show verbose messages
  -load sessname  Load settings from saved session
  -ssh -telnet -rlogin -raw -serial
            force use of a particular protocol
  -ssh-connection
            force use of the bare ssh-connection protocol (not supported)
  -P port   connect to specified port
  -l user   connect with specified username
  -batch    disable all interactive prompts
  -proxycmd command
            use 'command' as local proxy
  -preconnectcommand command
            run 'command' and wait for it before connecting
  -o "Key: value"
            a setting, where the saved session has none
  -sercfg configuration-string (e.g. 19200,8,n,1,X)
            Specify the serial configuration (not supported)
The following options only apply to SSH connections:
  -pwfile file   login with password read from specified file
  -D [listen-IP:]listen-port
            Dynamic SOCKS-based port forwarding
  -L [listen-IP:]listen-port:host:port
            Forward local port to remote address
  -R [listen-IP:]listen-port:host:port
            Forward remote port to local address
  -X -x     enable / disable X11 forwarding
  -A -a     enable / disable agent forwarding
  -t -T     enable / disable pty allocation
  -1 -2     force use of particular SSH protocol version (-1 is refused)
  -4 -6     force use of IPv4 or IPv6
  -C        enable compression
  -i key    private key file for user authentication (PuTTY's, OpenSSH's or others)
  -cert file
            certificate for user authentication
  -noagent  disable use of Pageant
  -agent    enable use of Pageant
  -no-trivial-auth
            disconnect if SSH authentication succeeds trivially
  -noshare  disable use of connection sharing
  -share    enable use of connection sharing (each run connects by itself here)
  -hostkey keyid
            manually specify a host key (may be repeated)
  -loghost name[:port]
            look the host key up under this name
  -sanitise-stderr, -sanitise-stdout, -no-sanitise-stderr, -no-sanitise-stdout
            do/don't strip control chars from standard output/error
  -no-antispoof   omit anti-spoofing prompt after authentication
  -m file   read remote command(s) from file
  -s        remote command is an SSH subsystem (SSH-2 only)
  -N        don't start a shell/command (SSH-2 only)
  -nc host:port
            open tunnel in place of session (SSH-2 only)
  -sessionlog file
            log what the session prints to a file
  -sshlog file
  -sshrawlog file
            log the events of the connection to a file (without its packets)
  -logoverwrite
  -logappend
            control what happens when a log file already exists
  -shareexists
            test whether a connection-sharing upstream exists (there is none)
Unlike PuTTY's, this plink ends with 1 when a question is answered with Return,
and takes an answer that it doesn't understand for Return; it says on standard
error which forwards can't be set up.
`

// plinkUsage prints the usage text where PuTTY's plink prints it.
func plinkUsage(e *door.Env) int {
	fmt.Fprintf(e.Stdout, "Plink: command-line connection utility\n%s\n%s", door.Version(), plinkUsageText)
	return plinkFailed
}

func plinkVersion(e *door.Env) int {
	fmt.Fprintf(e.Stdout, "plink: %s\n", door.Version())
	return 0
}

// plinkPGP is -pgpfp: there are keys of PuTTY's, which didn't sign this program.
func plinkPGP(e *door.Env) int {
	fmt.Fprintln(e.Stdout, "This plink is part of nacre: PuTTY's PGP keys have not signed it, and it has none of its own.")
	return plinkFailed
}
