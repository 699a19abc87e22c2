package config

import (
	"strings"
	"testing"
)

// fuzzQuery asks about a host with nothing of this machine in the answer.
func fuzzQuery() ClientQuery {
	return ClientQuery{Host: "a", User: "u", Command: "ls", File: "none", Home: "/nonexistent", LocalUser: "me", LocalHost: "here.example", SystemDir: "/nonexistent",
		Exec:   func(string) (bool, error) { return true, nil },
		Lookup: func(name string) (string, error) { return "cname." + name, nil },
		Getenv: func(name string) (string, bool) { return "%h${HOME}", name == "HOME" },
		Known:  Known{Ciphers: Algorithms{All: []string{"a", "b"}, Default: []string{"a"}}},
	}
}

// FuzzMatch reads Match lines: an error, which ends the program, or an answer
// that is the same twice.
func FuzzMatch(f *testing.F) {
	for _, line := range []string{
		"all", "!all", "host a", "host=a,!b user *", "originalhost a localuser me", "localnetwork 127.0.0.0/8,!::1", "exec \"test %h\" final",
		"tagged \"\" command ls*", "sessiontype exec version OpenSSH_*", "!final !canonical", "final all", "host", "foo bar", "host \"\"", "exec %",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		if strings.ContainsAny(line, "\n\r") {
			return
		}
		answer := func() (bool, error) {
			l, err := newClientLoader(fuzzQuery())
			if err != nil {
				t.Fatal(err)
			}
			err = l.parse("fuzz", []byte("Match "+line+"\n"))
			return l.active, err
		}
		active, err := answer()
		again, err2 := answer()
		if active != again || (err == nil) != (err2 == nil) {
			t.Errorf("%q: %v %v, then %v %v", line, active, err, again, err2)
		}
	})
}

// FuzzTokens expands: what comes out has no token left that was one before.
func FuzzTokens(f *testing.F) {
	for _, text := range []string{"%h", "%%h", "%C-%d-%i-%j-%k-%L-%l-%n-%p-%r-%u", "${HOME}", "${", "${}", "%", "~/%h", "~root/x", "~/${HOME}/%%", "$HOME", "%z", "${NONE}"} {
		f.Add(text)
	}
	t0 := tokens{localHost: "here.example", home: "/home/me", localUser: "me", uid: "1", host: "h", typed: "h", port: 22, remoteUser: "u", keyAlias: "k",
		getenv: func(name string) (string, bool) { return "%h${X}", name == "HOME" }}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "~") && !strings.HasPrefix(text, "~/") {
			return // accounts of this machine
		}
		out, err := t0.path(text)
		if err != nil {
			return
		}
		if len(out) > maxExpanded+64 {
			t.Errorf("%q expands to %d bytes", text, len(out))
		}
		if !strings.ContainsAny(text, "%$~") && out != text {
			t.Errorf("%q became %q", text, out)
		}
	})
}

// FuzzForward: what is read as a forward reads back the same from its dump.
func FuzzForward(f *testing.F) {
	for _, spec := range []string{
		"8080:localhost:80", "[::1]:8080:[::2]:80", "*:8080:h:80", ":8080:h:80", "/a:/b", "/a:h:80", "8080:/b", "1080", "[::1]:1080", "0", "0:h:80",
		"h:8080:/run/x", `a\:b:80:h:80`, "[/a:b]:h:80", "${HOME}:80", "1:2:3:4:5", "[", "]", ":", "::", `\`, "8080:h:http", " 80:h:80",
	} {
		f.Add(spec, 0)
		f.Add(spec, 1)
		f.Add(spec, 2)
	}
	env := func(string) (string, bool) { return "/home", true }
	f.Fuzz(func(t *testing.T, spec string, kind int) {
		k := ForwardKind(kind)
		if k < ForwardLocal || k > ForwardDynamic {
			return
		}
		got, err := ParseForward(spec, k, env)
		if err != nil {
			return
		}
		if got.Dynamic && k == ForwardLocal || !got.Dynamic && k == ForwardDynamic {
			t.Errorf("%q as %d: %+v", spec, k, got)
		}
		if got.Listen.Port == 0 && got.Listen.Path == "" && k != ForwardRemote {
			t.Errorf("%q listens nowhere: %+v", spec, got)
		}
		if !got.Dynamic && got.Target.Path == "" && (got.Target.Port < 1 || got.Target.Port > 65535) {
			t.Errorf("%q leads nowhere: %+v", spec, got)
		}
		if plain := strings.NewReplacer(" ", ":").Replace(got.String()); !strings.ContainsAny(spec, "[]\\ \t\r\n$") && !strings.ContainsAny(plain, "\\$") {
			if again, err := ParseForward(plain, k, env); err != nil || again != got {
				t.Errorf("%q became %q, which is %+v, %v instead of %+v", spec, plain, again, err, got)
			}
		}
	})
}

// FuzzDestination reads what people type for hosts, and URIs.
func FuzzDestination(f *testing.F) {
	for _, text := range []string{
		"h", "u@h", "a@b@h", "@h", "u@", "ssh://h", "ssh://u@h:22", "SSH://u;x=y@[::1]:22/", "ssh://u%40x@h", "ssh://h/path", "ssh://", "ssh://u%zz@h", "ssh://h:0", "[::1]:22", "h:22", "a,b@c:1,ssh://d",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := ParseDestination(text); err == nil && (d.Host == "" || d.Port < 0 || d.Port > 65535) {
			t.Errorf("%q is %+v", text, d)
		}
		hops, err := ParseJump(text, true)
		for _, hop := range hops {
			if err != nil || !ValidHost(hop.Host) || hop.User != "" && !ValidUser(hop.User) {
				t.Errorf("%q leads over %+v", text, hop)
			}
		}
	})
}

// FuzzCheck: looking for what is wrong never fails on what can be read.
func FuzzCheck(f *testing.F) {
	for _, line := range corpusSentences() {
		f.Add("Host *\n"+line+"\nMatch all\n"+line, "a")
	}
	for _, text := range badFiles() {
		f.Add(text, "")
	}
	f.Fuzz(func(t *testing.T, text, host string) {
		if strings.Contains(strings.ToLower(text), "include") || strings.ContainsAny(text, "~/") {
			return // other files are not the parser's input
		}
		q := fuzzQuery()
		l, err := newClientLoader(q)
		if err != nil {
			t.Fatal(err)
		}
		var lines []lineSeen
		l.all = true
		l.seen = func(r *row[Client], at Origin, value string, won bool) {
			lines = append(lines, lineSeen{r, at, value, won, l.here})
		}
		_ = l.parse("fuzz", []byte(text)) // its problems are in l
		report := new(Report)
		report.addProblems(l)
		report.addUnreachable(lines)
		for _, finding := range report.Findings {
			if finding.Text == "" {
				t.Errorf("%q: a finding without text", text)
			}
		}
	})
}

// FuzzServerMatch: Match lines of sshd_config for a connection, and -C.
func FuzzServerMatch(f *testing.F) {
	for _, line := range []string{
		"User bob", "user=bob address=10.0.0.0/8", "Group !wheel,*", "Host *.x Address !1.2.3.4,1.2.3.0/24", "LocalPort 22", "LocalAddress ::1", "all", "invalid-user", "RDomain x", "version *", "", "User", "Address 1.2.3.4/99",
	} {
		f.Add(line, "user=bob,host=h,addr=1.2.3.4,laddr=::1,lport=22,rdomain=x,invalid-user")
	}
	f.Fuzz(func(t *testing.T, line, spec string) {
		q := ServerQuery{File: "none", Connection: new(Connection)}
		if strings.ContainsAny(line, "\n\r") || ParseConnection(spec, q.Connection) != nil {
			return
		}
		l := &serverLoader{loader: newLoader(serverTable(), serverOthers(), serverAliases(), &q.Known), q: q, snap: newSnapshot()}
		if err := l.loadFor("fuzz", []byte("Match "+line+"\nMaxAuthTries 2\nMatch Foo x\n")); err == nil {
			t.Errorf("%q: an unknown condition passed", line)
		}
		if _, said := l.origins["maxauthtries"]; said && l.into.MaxAuthTries != 2 {
			t.Errorf("%q: %d", line, l.into.MaxAuthTries)
		}
	})
}
