package applet

import (
	"slices"
	"strings"

	"github.com/nacre-ssh/nacre/config"
	"github.com/nacre-ssh/nacre/internal/getopt"
)

// sshPage is ssh(1).
func sshPage() page {
	return page{
		name: "ssh", section: 1, about: "log in to another machine, or run a command there",
		synopsis: []string{"ssh " + strings.Join(strings.Fields(strings.TrimPrefix(shownOptions(new(sshLine).table()).Usage("ssh", ""), "usage: ssh")), " ") + " " + sshOperands, "ssh -Q query_option"},
		parts: []part{
			{title: "DESCRIPTION", text: []string{
				"ssh connects to destination, which is a host, user@host, ssh://[user@]host[:port] or a name from ssh_config(5), and gives a shell there, or runs command.",
				"The command line, the files and the exit codes are those of OpenSSH's ssh. nacre doctor [user@]host finds out why a login fails, and nacre config check [host] tells which line of which file gave each value.",
			}},
			{title: "OPTIONS", entries: optionEntries(new(sshLine).table())},
			{title: "ESCAPES", text: []string{
				"In a session with a terminal these work after the beginning of a line. The escape character is ~ unless EscapeChar or -e says otherwise; typed twice it is itself.",
			}, entries: escapeEntries()},
			{title: "PROXIES", text: []string{
				"Hosts behind others are reached with -J or ProxyJump, all hops in this process, each with its own configuration. ProxyURL goes through an HTTP or SOCKS proxy without a program beside: http://[user@]host:port, https://, socks4://, socks5://. A ProxyCommand that calls corkscrew, nc -X, ncat --proxy or connect is understood and done here where that program is missing.",
			}},
			{title: "KEYS", text: []string{
				"Keys are taken from the agent and from files in the formats of OpenSSH, PEM, PKCS#8, PuTTY, Dropbear and ssh.com. Certificates are offered from beside the keys, from CertificateFile, from the agent and from within PPK files.",
			}},
			{title: "ENVIRONMENT", entries: []entry{
				{"DISPLAY", "The X display whose windows -X and -Y lend; also has SSH_ASKPASS asked where there is no terminal."},
				{"SSH_ASKPASS", "A program that asks for passwords, passphrases and confirmations."},
				{"SSH_ASKPASS_REQUIRE", "never, prefer or force: when that program is used."},
				{"SSH_AUTH_SOCK", "The agent's socket (on Windows its pipe)."},
				{"GOMAXPROCS", "How many threads run at a time; otherwise one."},
			}},
			{title: "FILES", entries: []entry{
				{"~/.ssh/config, /etc/ssh/ssh_config", "See ssh_config(5)."},
				{"~/.ssh/known_hosts, /etc/ssh/ssh_known_hosts", "Keys of hosts."},
				{"~/.ssh/id_*", "Private keys; their public halves end in .pub, their certificates in -cert.pub."},
			}},
			{title: "EXIT STATUS", text: []string{
				"That of the command, or 255 when something went wrong here. A command that a signal ended is 255 too, with the signal's name.",
			}},
			{title: "DIFFERENCES FROM OPENSSH", text: differences()},
		},
	}
}

// differences are what we do otherwise on purpose.
func differences() []string {
	return []string{
		"EnableEscapeCommandline is yes: ~C opens the command line unless the configuration says no.",
		"AES-GCM comes before ChaCha20-Poly1305 on processors that have instructions for AES.",
		"Certificates without principals, which would be anybody's, are refused.",
		"Jumps need no second process, and no nc or -W on the way.",
		"XAuthLocation is read and not used: the X authority is read without xauth.",
		"GSSAPI, PKCS#11 and DSA keys for logins are not there; keywords about them are accepted and answered with a sentence.",
	}
}

// shownOptions are those that the usage text has.
func shownOptions(t getopt.Table) getopt.Table {
	var shown getopt.Table
	for _, row := range t {
		if row.Help != "" && row.Letter != 'Q' {
			shown = append(shown, row)
		}
	}
	return shown
}

func escapeEntries() []entry {
	var all []entry
	for _, row := range escapes() {
		if row.shown != "" {
			all = append(all, entry{"~" + row.shown, helpSentence(row.help)})
		}
	}
	return append(all, entry{"~~", "The escape character itself."},
		entry{"~C, then -L, -R, -D and what ssh takes after them", "Begins a forward; -KL, -KR and -KD with [address:]port end one; -h lists these."})
}

// sshConfigPage is ssh_config(5).
func sshConfigPage() page {
	return page{
		name: "ssh_config", section: 5, about: "the configuration of ssh",
		parts: []part{
			{title: "DESCRIPTION", text: []string{
				"ssh takes options from its command line, then from ~/.ssh/config, then from /etc/ssh/ssh_config. The first value that is found for a keyword holds; keywords that may be given many times collect. A line is a keyword and its arguments, with blanks or = between; # begins a comment; arguments with blanks stand in double quotes.",
				"Host and Match begin blocks that hold for some hosts only. nacre config check [host] tells which line gave each value and which lines never take effect.",
			}},
			{title: "KEYWORDS", entries: keywordEntries(sortedDocs(config.ClientDocs()))},
		},
	}
}

// sshdConfigPage is sshd_config(5).
func sshdConfigPage() page {
	return page{
		name: "sshd_config", section: 5, about: "the configuration of sshd",
		parts: []part{
			{title: "DESCRIPTION", text: []string{
				"sshd takes options from its command line, then from /etc/ssh/sshd_config. The first value that is found for a keyword holds. A keyword that is not here is refused: what would be ignored might have been meant to protect.",
				"nacre doctor --server checks the file and what it depends on.",
			}},
			{title: "KEYWORDS", entries: keywordEntries(sortedDocs(config.ServerDocs()))},
		},
	}
}

// sortedDocs has keywords in the order of the alphabet.
func sortedDocs(docs []config.Doc) []config.Doc {
	slices.SortFunc(docs, func(a, b config.Doc) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	return docs
}
