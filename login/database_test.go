package login

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// testDatabase has one account of each kind. All passwords are "correct horse";
// the hashes were made by libxcrypt's crypt(3).
func testDatabase(t testing.TB) *Database {
	t.Helper()
	dir := t.TempDir()
	hashes := map[string]string{
		"yes":     "$y$j9T$F5Jx5fExrKuPp53xLKQ..1$zwtVrjrUCmXcyLTs6oxLTQlzifSUkF8RHJ./tK5KU79",
		"cheap":   "$y$j75$F5Jx5fExrKuPp53xLKQ..1$aEFV0VcEI5Jx.rzUhLbfRgipTKSbuNF0ldHPkDpnco3",
		"sha512":  "$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0",
		"rounds":  "$6$rounds=6000$saltsalt$.z5DBt3F0yCiXdwys9J8eUbOTfWe1Z8QZNEHGn.OK5mh.PB/IrEwo2ndPEEIgumNV7q1oFECsqmO6101CuDOo.",
		"sha256":  "$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/",
		"md5":     "$1$saltsalt$NuzA7WTAelpl95xgBGWN60",
		"bcryptb": "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
		"bcrypty": "$2y$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
		"bcrypta": "$2a$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2",
		"star":    "*",
		"bang":    "!",
		"locked":  "!$1$saltsalt$NuzA7WTAelpl95xgBGWN60",
		"des":     "abhfCpXqd4GrI",
		"broken":  "$6$",
		"empty":   "",
	}
	ages := map[string]string{ // changed:min:max:warn:inactive:expires:flag
		"expired": "10000:0:99999:7::10100:", "oldpass": "10000:0:89:7:::", "reset": "0:0:99999:7:::",
		"lasts": "10000:0:90:7::10091:", "never": "::::::",
	}
	var passwd, shadow strings.Builder
	uid := "1000"
	add := func(name, hash, age string) {
		passwd.WriteString(name + ":x:" + uid + ":1000:A Person:/home/" + name + ":/bin/sh\n")
		shadow.WriteString(name + ":" + hash + ":" + age + "\n")
	}
	for _, name := range slices.Sorted(func(yield func(string) bool) {
		for k := range hashes {
			if !yield(k) {
				return
			}
		}
	}) {
		add(name, hashes[name], "10000:0:99999:7:::")
	}
	for name, age := range ages {
		add(name, hashes["md5"], age)
	}
	files := map[string]string{
		"passwd": "# comment\n+nis::::::\nshort:x:1\nneg:x:-1:0::/:/bin/sh\nnochange:x:4294967295:0::/:/bin/sh\n" + passwd.String() + "odd:x:7:8:::\n",
		"group":  "g1:x:1000:yes\nstaff:x:50:md5,yes,star\nwheel:x:10:md5\nbad:x:z:yes\n" + strings.Repeat("x", 2<<20) + "\nlast:x:51:yes",
		"shadow": shadow.String(),
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &Database{
		Passwd: filepath.Join(dir, "passwd"), Group: filepath.Join(dir, "group"), Shadow: filepath.Join(dir, "shadow"),
		Now: func() time.Time { return time.Unix(10090*86400+5, 0) },
	}
}

func TestLookup(t *testing.T) {
	db := testDatabase(t)
	u, err := db.Lookup("yes")
	if err != nil || u.UID != 1000 || u.Home != "/home/yes" || u.Shell != "/bin/sh" || !slices.Equal(u.Groups, []uint32{1000, 50, 51}) {
		t.Fatalf("%+v %v", u, err)
	}
	u, err = db.Lookup("odd")
	if err != nil || u.Home != "/" || u.Shell != "/bin/sh" {
		t.Fatalf("%+v %v", u, err)
	}
	for _, name := range []string{"nobody-here", "short", "neg", "nochange", "+nis", "#", ""} {
		var unknown *UnknownUserError
		if u, err := db.Lookup(name); !errors.As(err, &unknown) || u != nil {
			t.Errorf("%q: %v %v", name, u, err)
		}
	}
	if u, err := new(Database).Current(); err != nil || u.UID != uint32(os.Geteuid()) {
		t.Errorf("current: %+v %v", u, err)
	}
}

func TestCheckUserName(t *testing.T) {
	for name, good := range map[string]bool{
		"root": true, "a.b-c_d": true, "sync$": true, "u@realm": true, strings.Repeat("a", 255): true,
		"": false, "-l": false, "a b": false, "a\n": false, "a$b": false, "$": false, "$(id)": false, "../x": false, "a;b": false,
		"a\\b": false, "a`b": false, "a%h": false, "\x00": false, ".ssh": false, strings.Repeat("a", 256): false, "a:b": false,
	} {
		if got := CheckUserName(name) == nil; got != good {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestPasswords(t *testing.T) {
	db := testDatabase(t)
	ctx := context.Background()
	for name, opens := range map[string]bool{
		"yes": true, "cheap": true, "sha512": true, "rounds": true, "sha256": true, "md5": true, "bcryptb": true, "bcrypty": true, "bcrypta": true,
		"lasts": true, "never": true,
		"star": false, "bang": false, "locked": false, "des": false, "broken": false, "empty": false, "nobody": false, "a b": false,
	} {
		u, err := db.VerifyPassword(ctx, name, []byte("correct horse"), true)
		if opens != (err == nil) || opens != (u != nil) {
			t.Errorf("%s: %v %v", name, u, err)
		}
		if !opens && !errors.Is(err, ErrPassword) {
			t.Errorf("%s: %v", name, err)
		}
		for _, wrong := range []string{"", "correct horsf", strings.Repeat("x", MaxPassword+1)} {
			if _, err := db.VerifyPassword(ctx, name, []byte(wrong), false); !errors.Is(err, ErrPassword) {
				t.Errorf("%s with %.20q: %v", name, wrong, err)
			}
		}
	}
	if _, err := db.VerifyPassword(ctx, "empty", nil, true); err != nil {
		t.Errorf("permitted empty password: %v", err)
	}
	for name, reason := range map[string]string{"expired": "", "oldpass": PasswordExpired, "reset": PasswordMustReset} {
		var account *AccountError
		_, err := db.VerifyPassword(ctx, name, []byte("correct horse"), false)
		if reason == "" { // expires on day 10100: not yet
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if !errors.As(err, &account) || account.Reason != reason {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := db.VerifyPassword(ctx, name, []byte("wrong"), false); !errors.Is(err, ErrPassword) {
			t.Errorf("%s tells its state to a stranger: %v", name, err)
		}
	}
}

func TestAllowed(t *testing.T) {
	db := testDatabase(t)
	at := func(day int64) func() time.Time { return func() time.Time { return time.Unix(day*86400, 0) } }
	for _, c := range []struct {
		name   string
		day    int64
		reason string
	}{
		{"yes", 20000, ""}, {"star", 20000, ""}, {"empty", 20000, ""}, {"oldpass", 20000, ""},
		{"bang", 20000, AccountLocked}, {"locked", 20000, AccountLocked},
		{"expired", 10100, ""}, {"expired", 10101, AccountExpired}, {"lasts", 10091, ""}, {"lasts", 10092, AccountExpired},
	} {
		db.Now = at(c.day)
		u, err := db.Lookup(c.name)
		if err != nil {
			t.Fatal(err)
		}
		err = db.Allowed(u)
		var account *AccountError
		if got := errors.As(err, &account); got != (c.reason != "") || got && account.Reason != c.reason || !got && err != nil {
			t.Errorf("%s on day %d: %v", c.name, c.day, err)
		}
	}
	dir := t.TempDir()
	plain := filepath.Join(dir, "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for shell, reason := range map[string]string{filepath.Join(dir, "none"): ShellMissing, plain: ShellUnusable, dir: ShellUnusable} {
		var account *AccountError
		if err := checkShell(&User{Name: "x", Shell: shell}); !errors.As(err, &account) || account.Reason != reason {
			t.Errorf("%s: %v", shell, err)
		}
	}
}

// An unknown name must cost what a wrong password costs.
func TestUnknownUserTiming(t *testing.T) {
	db := testDatabase(t)
	// Leave one format in the file, as most machines have.
	line := "yes:$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamSo5z0:10000:0:99999:7:::\nstar:*:::::::\nlocked:!x:::::::\nempty::::::::\n"
	if err := os.WriteFile(db.Shadow, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	names := []string{"yes", "nobody", "star", "locked", "empty", "a$b"}
	least := make(map[string]time.Duration)
	for range 20 { // the least of a few, interleaved, is free of other load
		for _, name := range names {
			began := time.Now()
			if _, err := db.VerifyPassword(context.Background(), name, []byte("wrong"), false); !errors.Is(err, ErrPassword) {
				t.Fatal(err)
			}
			if d := time.Since(began); least[name] == 0 || d < least[name] {
				least[name] = d
			}
		}
	}
	for _, name := range names {
		if r := float64(least[name]) / float64(least["yes"]); r < 0.6 || r > 1.6 {
			t.Errorf("%s takes %v, a known user %v", name, least[name], least["yes"])
		}
	}
}

func TestPasswordCancelled(t *testing.T) {
	db := testDatabase(t)
	var g = &db.hashing
	for range 64 {
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		err := g.enter(ctx)
		cancel()
		if err != nil { // full
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatal("the gate never fills")
}

func FuzzParse(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash")
	f.Add("sudo:x:27:a,b")
	f.Add("root:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$zwtVrjrUCmXcyLTs6oxLTQlzifSUkF8RHJ./tK5KU79:19700:0:99999:7:::")
	f.Add("a:!:99999999999999999999::::::")
	f.Add("::::::::")
	f.Fuzz(func(t *testing.T, line string) {
		if u, err := parsePasswd(line); err == nil && (u.Name == "" || u.Home[0] != '/' || u.Shell == "" || u.UID == 1<<32-1) {
			t.Fatalf("%+v", u)
		}
		parseGroup(line, "a")
		if a, err := parseShadow(line); err == nil && (a.Name == "" || a.Max < -1 || strings.Contains(a.Hash, ":")) {
			t.Fatalf("%+v", a)
		}
		n := 0
		err := scanLines(strings.NewReader(line), 16, 64, func(b []byte) bool { n++; return len(b) <= 64 })
		if want := strings.Count(line, "\n") + 1; err != nil || n > want {
			t.Fatalf("%d lines of %d: %v", n, want, err)
		}
	})
}

func TestDummyHash(t *testing.T) {
	digest, err := decoderFor(dummyHash)(dummyHash)
	if err != nil || len(digest.Key()) != 32 {
		t.Fatalf("%v %v", digest, err)
	}
}
