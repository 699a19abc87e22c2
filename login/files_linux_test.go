package login

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/nacre-ssh/nacre/key"
	"github.com/nacre-ssh/nacre/keyfile"
)

func TestStrictModes(t *testing.T) {
	const file, dir = "file ", "directory "
	for name, c := range map[string]struct {
		change func(t *testing.T, u *User, other int)
		fault  string // file or directory, then the path under the home
	}{
		"good":        {func(*testing.T, *User, int) {}, ""},
		"readable":    {func(t *testing.T, u *User, _ int) { mine(t, u, u.Home+"/.ssh/authorized_keys", 0o644) }, ""},
		"group file":  {func(t *testing.T, u *User, _ int) { mine(t, u, u.Home+"/.ssh/authorized_keys", 0o620) }, file + "/.ssh/authorized_keys"},
		"world file":  {func(t *testing.T, u *User, _ int) { mine(t, u, u.Home+"/.ssh/authorized_keys", 0o602) }, file + "/.ssh/authorized_keys"},
		"group dir":   {func(t *testing.T, u *User, _ int) { mine(t, u, u.Home+"/.ssh", 0o770) }, dir + "/.ssh"},
		"world home":  {func(t *testing.T, u *User, _ int) { mine(t, u, u.Home, 0o777) }, dir + ""},
		"sticky home": {func(t *testing.T, u *User, _ int) { mine(t, u, u.Home, 0o777|os.ModeSticky) }, dir + ""},
		"root's file": {func(t *testing.T, u *User, _ int) { chown(t, u.Home+"/.ssh/authorized_keys", os.Geteuid(), 0o644) }, ""},
		"other's file": {func(t *testing.T, u *User, other int) {
			chown(t, u.Home+"/.ssh/authorized_keys", other, 0o644)
		}, file + "/.ssh/authorized_keys"},
		"other's dir": {func(t *testing.T, u *User, other int) { chown(t, u.Home+"/.ssh", other, 0o755) }, dir + "/.ssh"},
		"link to a bad place": {func(t *testing.T, u *User, _ int) {
			mkdir(t, u, u.Home+"/open")
			write(t, u, u.Home+"/open/keys", "keys", 0o600)
			mine(t, u, u.Home+"/open", 0o777)
			must(t, os.Remove(u.Home+"/.ssh/authorized_keys"), os.Symlink(u.Home+"/open/keys", u.Home+"/.ssh/authorized_keys"))
		}, dir + "/open"},
		"link to a good place": {func(t *testing.T, u *User, _ int) {
			write(t, u, u.Home+"/keys", "keys", 0o600)
			must(t, os.Remove(u.Home+"/.ssh/authorized_keys"), os.Symlink("../keys", u.Home+"/.ssh/authorized_keys"))
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := homeOf(t, person(t))
			other := 54321
			if os.Geteuid() != 0 && strings.HasPrefix(name, "other") {
				u.UID++ // we can't give a file away: be somebody else instead
				c.fault = file + "/.ssh/authorized_keys"
				c.change = func(*testing.T, *User, int) {}
			} else {
				mkdir(t, u, u.Home+"/.ssh")
			}
			if _, err := os.Stat(u.Home + "/.ssh"); err != nil {
				must(t, os.Mkdir(u.Home+"/.ssh", 0o700))
			}
			must(t, os.WriteFile(u.Home+"/.ssh/authorized_keys", []byte("keys"), 0o600))
			if u.UID == person(t).UID {
				mine(t, u, u.Home+"/.ssh/authorized_keys", 0o600)
			}
			c.change(t, u, other)
			f, err := OpenAs(u, u.Home+"/.ssh/authorized_keys", true)
			closeAll(f)
			if c.fault == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			what, path, _ := strings.Cut(c.fault, " ")
			want := "Authentication refused: bad ownership or modes for " + what + " " + u.Home + path
			var strict *StrictModesError
			if !errors.As(err, &strict) || err.Error() != want {
				t.Fatalf("got  %v\nwant %s", err, want)
			}
			if f, err := OpenAs(u, u.Home+"/.ssh/authorized_keys", false); err != nil {
				t.Errorf("without strict modes: %v", err)
			} else {
				f.Close()
			}
		})
	}
}

// The directories above the home are not looked at, but those of a file outside
// it are, up to the root.
func TestStrictModesTop(t *testing.T) {
	u := homeOf(t, person(t))
	above := u.Home
	mkdir(t, u, above+"/home")
	u.Home = above + "/home"
	write(t, u, u.Home+"/keys", "", 0o600)
	write(t, u, above+"/keys", "", 0o600)
	mine(t, u, above, 0o777)
	f, err := OpenAs(u, u.Home+"/keys", true)
	if err != nil {
		t.Error(err)
	}
	closeAll(f)
	var strict *StrictModesError
	if _, err := OpenAs(u, above+"/keys", true); !errors.As(err, &strict) || !strict.Dir || strict.Path != above {
		t.Error(err)
	}
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func chown(t testing.TB, path string, uid int, mode os.FileMode) {
	t.Helper()
	must(t, os.Chown(path, uid, -1), os.Chmod(path, mode))
}

// Whatever a user's link points at is opened with the user's rights, and never
// waited for.
func TestOpenTricks(t *testing.T) {
	u := homeOf(t, person(t))
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("x"), 0o600))
	fifo := u.Home + "/fifo"
	must(t, syscall.Mkfifo(fifo, 0o666))
	opened, err := os.Open(secret)
	must(t, err)
	defer opened.Close()
	rightful := map[string]error{
		"/dev/zero": errNotRegular, "/dev/tty": nil, fifo: errNotRegular, u.Home: errNotRegular, u.Home + "/none": os.ErrNotExist,
		"loop": syscall.ELOOP, "/proc/self/mem": nil,
	}
	if os.Geteuid() == 0 {
		rightful[secret] = os.ErrPermission
		rightful["/etc/shadow"] = os.ErrPermission
		rightful["/proc/self/environ"] = os.ErrPermission
	}
	for target, want := range rightful {
		link := u.Home + "/link"
		os.Remove(link)
		must(t, os.Symlink(target, link))
		if target == "loop" {
			must(t, os.Remove(link), os.Symlink("link", link))
		}
		f, err := OpenAs(u, link, false)
		if target == "/proc/self/mem" && err == nil && os.Geteuid() != 0 {
			f.Close()
			continue
		}
		if err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", target, err, want)
		}
		closeAll(f)
	}
}

// The magic links of /proc would lead to what this process has open.
func TestOpenMagicLink(t *testing.T) {
	u := homeOf(t, person(t))
	write(t, u, u.Home+"/file", "", 0o600)
	f, err := os.Open(u.Home + "/file")
	must(t, err)
	defer f.Close()
	if got, err := openReading("/proc/self/fd/" + itoa(int(f.Fd()))); !errors.Is(err, syscall.ELOOP) {
		closeAll(got)
		t.Fatal(err)
	}
}

func itoa(n int) string { return slog.IntValue(n).String() }

// A link that somebody turns while the file is checked never gets another
// file's content past the checks.
func TestOpenRace(t *testing.T) {
	u := homeOf(t, person(t))
	mkdir(t, u, u.Home+"/good")
	mkdir(t, u, u.Home+"/bad")
	write(t, u, u.Home+"/good/keys", "good", 0o600)
	write(t, u, u.Home+"/bad/keys", "evil", 0o600)
	mine(t, u, u.Home+"/bad", 0o777)
	link := u.Home + "/now"
	must(t, os.Symlink("good", link))
	stop := make(chan struct{})
	var turning sync.WaitGroup
	turning.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Symlink([]string{"bad", "good"}[i%2], link+".new")
			_ = os.Rename(link+".new", link)
		}
	})
	good := 0
	for range 2000 {
		f, err := OpenAs(u, link+"/keys", true)
		if err != nil {
			continue
		}
		b, _ := io.ReadAll(f)
		f.Close()
		if string(b) != "good" {
			t.Fatalf("read %q", b)
		}
		good++
	}
	close(stop)
	turning.Wait()
	if good == 0 {
		t.Error("it never opened at all")
	}
}

// The identity is the thread's, and no other goroutine ever sees it.
func TestAsUserLeavesNothing(t *testing.T) {
	u := person(t)
	me, _ := unix.SetfsuidRetUid(-1)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				err := AsUser(u, func() error {
					if uid, _ := unix.SetfsuidRetUid(-1); uint32(uid) != u.UID {
						return errors.New("not the user inside")
					}
					if os.Geteuid() != 0 || u.UID == 0 {
						return nil
					}
					if groups, _ := unix.Getgroups(); len(groups) != len(u.Groups) {
						return errors.New("not the user's groups inside")
					}
					if _, err := os.ReadFile("/etc/shadow"); !errors.Is(err, os.ErrPermission) {
						return errors.New("root's rights are left")
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				if uid, _ := unix.SetfsuidRetUid(-1); uid != me {
					t.Errorf("%d outside", uid)
				}
			}
		})
	}
	all.Wait()
	tasks, err := filepath.Glob("/proc/self/task/*/status")
	must(t, err)
	eventually(t, "the threads' end", func() bool {
		return !slices.ContainsFunc(tasks, func(path string) bool {
			b, _ := os.ReadFile(path)
			_, line, ok := strings.Cut(string(b), "\nUid:\t")
			fields := strings.Fields(line)
			return ok && fields[3] != itoa(me)
		})
	})
}

func newKey(t testing.TB) (key.Public, string) {
	t.Helper()
	k, err := key.Generate(rand.Reader, key.TypeEd25519, 0)
	must(t, err)
	return k.Public(), k.Public().Type() + " " + base64.StdEncoding.EncodeToString(k.Public().Blob()) + " me@here"
}

func TestFindKey(t *testing.T) {
	u := homeOf(t, person(t))
	pub, line := newKey(t)
	_, otherLine := newKey(t)
	mkdir(t, u, u.Home+"/.ssh")
	from := netip.MustParseAddr("10.1.2.3")
	for _, c := range []struct {
		content string
		line    int // 0: not found
		check   func(*Restrictions) bool
	}{
		{"", 0, nil},
		{line, 1, nil},
		{"\n# comment\r\n\n" + otherLine + "\n" + line + "\r\n", 5, nil},
		{"# " + line, 0, nil},
		{strings.Repeat("x", maxKeyLine+10) + "\n" + line, 2, nil},
		{strings.Repeat("x", maxKeyLine) + line, 0, nil},
		{`command="echo \"hi\"",no-pty,from="10.0.0.0/8,!10.9.9.9" ` + line, 1, func(r *Restrictions) bool {
			return r.Command == `echo "hi"` && r.NoPTY && !r.NoPortForwarding && r.From != ""
		}},
		{`RESTRICT,PTY,permitopen="a:1",permitopen="[::1]:*",permitlisten="80" ` + line, 1, func(r *Restrictions) bool {
			return !r.NoPTY && r.NoPortForwarding && r.NoUserRC && slices.Equal(r.PermitOpen, []string{"a:1", "[::1]:*"}) && slices.Equal(r.PermitListen, []string{"*:80"})
		}},
		{`from="192.168.0.0/16" ` + line, 0, nil},
		{`from="10.1.2.*,!10.1.2.3" ` + line, 0, nil},
		{`from="10.1.2.0/33" ` + line, 0, nil},
		{`from="192.168.0.1" ` + line + "\n" + line, 2, nil},
		{`no-such-option ` + line, 0, nil},
		{`no-restrict ` + line, 0, nil},
		{`command="a",command="b" ` + line, 0, nil},
		{`command ` + line, 0, nil}, {`command="" ` + line, 0, nil}, {`pty="yes" ` + line, 0, nil},
		{`permitopen="nowhere" ` + line, 0, nil}, {`permitopen="a:0" ` + line, 0, nil}, {`permitopen="a:65536" ` + line, 0, nil},
		{`environment="A=1",environment="A=2",environment="LD_PRELOAD=x" ` + line, 1, func(r *Restrictions) bool {
			return slices.Equal(r.Environment, []string{"A=1", "LD_PRELOAD=x"})
		}},
		{`environment="=x" ` + line, 0, nil},
		{`expiry-time="20300101Z" ` + line, 1, nil}, {`expiry-time="20200101" ` + line, 0, nil}, {`expiry-time="soon" ` + line, 0, nil},
		{`expiry-time="20300101Z",expiry-time="202001010000Z" ` + line, 0, nil},
		{`cert-authority ` + line, 0, nil}, {`cert-authority,principals="a" ` + line, 0, nil}, {`principals="a" ` + line, 0, nil},
		{`restrict ` + line, 1, func(r *Restrictions) bool { return r.NoTunnel }},
		{`restrict,tunnel="any" ` + line, 1, func(r *Restrictions) bool { return !r.NoTunnel && !r.HasTunnel }},
		{`restrict,tunnel="3" ` + line, 1, func(r *Restrictions) bool { return !r.NoTunnel && r.HasTunnel && r.Tunnel == 3 }},
		{`tunnel="3",restrict ` + line, 1, func(r *Restrictions) bool { return !r.NoTunnel && r.HasTunnel && r.Tunnel == 3 }},
		{`tunnel="1",tunnel="2" ` + line, 0, nil},
		{`tunnel="1" ` + line, 1, nil}, {`tunnel="x" ` + line, 0, nil},
	} {
		write(t, u, u.Home+"/.ssh/authorized_keys", c.content, 0o600)
		k := KeyFiles{Strict: true, Now: func() time.Time { return time.Unix(1767225600, 0) }} // 2026
		k.Log = slog.New(slog.DiscardHandler)
		m, err := k.Find(context.Background(), u, pub, from)
		if c.line == 0 {
			if !errors.Is(err, ErrNoKey) || m != nil {
				t.Errorf("%.60q: %+v %v", c.content, m, err)
			}
			continue
		}
		if err != nil || m.Line != c.line || m.File != u.Home+"/.ssh/authorized_keys" {
			t.Errorf("%.60q: %+v %v", c.content, m, err)
			continue
		}
		if c.check != nil && !c.check(&m.Restrictions) {
			t.Errorf("%.60q: %+v", c.content, m.Restrictions)
		}
		back, err := ParseRestrictions(m.Restrictions.Append(nil))
		if err != nil || !bytes.Equal(back.Append(nil), m.Restrictions.Append(nil)) {
			t.Errorf("%.60q: travels as %+v %v", c.content, back, err)
		}
	}
}

func TestFindKeyPatterns(t *testing.T) {
	u := homeOf(t, person(t))
	pub, line := newKey(t)
	write(t, u, u.Home+"/k%"+u.Name, line, 0o600)
	for pattern, found := range map[string]bool{
		"k%%%u": true, "%h/k%%%u": true, u.Home + "/k%%%u": true, "none": false, "missing": false, "k%u": false,
	} {
		k := KeyFiles{Patterns: []string{"also-missing", pattern}}
		if _, err := k.Find(context.Background(), u, pub, netip.Addr{}); (err == nil) != found {
			t.Errorf("%s: %v", pattern, err)
		}
	}
	for _, pattern := range []string{"%x", "%", "a%"} {
		if _, err := expand(u, pattern); err == nil {
			t.Errorf("%s is accepted", pattern)
		}
	}
	if _, err := expand(&User{Name: "../../etc", Home: "/"}, "/keys/%u"); err == nil {
		t.Error("a name climbs out of its directory")
	}
	var log bytes.Buffer
	mine(t, u, u.Home, 0o777)
	k := KeyFiles{Patterns: []string{"k%%%u"}, Strict: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if _, err := k.Find(context.Background(), u, pub, netip.Addr{}); !errors.Is(err, ErrNoKey) {
		t.Error(err)
	}
	if want := "Authentication refused: bad ownership or modes for directory " + u.Home; !strings.Contains(log.String(), want) {
		t.Errorf("log: %s", log.String())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := k.Find(ctx, u, pub, netip.Addr{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// Only the line that holds the key is parsed: a large file costs little.
func TestFindKeyLarge(t *testing.T) {
	u := homeOf(t, person(t))
	pub, line := newKey(t)
	_, other := newKey(t)
	write(t, u, u.Home+"/keys", strings.Repeat(other+"\n", 50000)+line+"\n", 0o600)
	k := KeyFiles{Patterns: []string{"keys"}}
	allocs := testing.AllocsPerRun(1, func() {
		if m, err := k.Find(context.Background(), u, pub, netip.Addr{}); err != nil || m.Line != 50001 {
			t.Error(m, err)
		}
	})
	if allocs > 500 {
		t.Errorf("%v allocations", allocs)
	}
}

func TestMatchAddress(t *testing.T) {
	for _, c := range []struct {
		addr, list string
		want       bool
		bad        bool
	}{
		{"10.0.0.1", "10.0.0.1", true, false}, {"::ffff:10.0.0.1", "10.0.0.0/8", true, false}, {"10.0.0.1", "10.0.0.?", true, false},
		{"10.0.0.1", "*", true, false}, {"10.0.0.1", "*,!10.0.0.1", false, false}, {"10.0.0.1", "!10.0.0.2", false, false},
		{"2001:db8::1", "2001:DB8::/32", true, false}, {"2001:db8::1", "2001:db8:0::1", true, false}, {"fe80::1%eth0", "fe80::/10", true, false},
		{"10.0.0.1", "10.0.0.1/8", false, true}, {"10.0.0.1", "10.0.0.1,x/y", false, true}, {"10.0.0.1", "", false, true}, {"10.0.0.1", "a,,b", false, true},
		{"10.0.0.1", "host.example,*.1", true, false},
	} {
		got, err := MatchAddress(netip.MustParseAddr(c.addr), c.list)
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("%s in %q: %v %v", c.addr, c.list, got, err)
		}
	}
}

func FuzzRestrictions(f *testing.F) {
	f.Add(`command="x",no-pty,expiry-time="20300101",permitopen="[::1]:22",from="!1.2.3.4,*"`)
	f.Add(`restrict,environment="A=b",tunnel="0"`)
	f.Fuzz(func(t *testing.T, options string) {
		var list []keyfile.Option
		for o := range strings.SplitSeq(options, ",") {
			name, value, has := strings.Cut(o, "=")
			list = append(list, keyfile.Option{Name: name, Value: strings.Trim(value, `"`), HasValue: has})
		}
		r, err := NewRestrictions(list)
		if err != nil {
			return
		}
		_ = r.Permit(netip.IPv6LinkLocalAllNodes(), time.Unix(0, 0))
		back, err := ParseRestrictions(r.Append(nil))
		if err != nil || !bytes.Equal(back.Append(nil), r.Append(nil)) {
			t.Fatalf("%+v becomes %+v: %v", r, back, err)
		}
	})
}
