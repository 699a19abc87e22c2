package getopt

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
)

// sshLike is a table like ssh's, noting what it was called with.
func sshLike(seen *[]string) Table {
	note := func(name string) func(string) error {
		return func(arg string) error {
			*seen = append(*seen, strings.TrimSuffix(name+"="+arg, "="))
			return nil
		}
	}
	return Table{
		{Letter: 'v', Help: "say more", Do: note("v")},
		{Letter: 'N', Help: "run no command", Do: note("N")},
		{Letter: 'f', Do: note("f")},
		{Letter: '4', Do: note("4")},
		{Letter: 'L', Arg: "address", Do: note("L")},
		{Letter: 'p', Arg: "port", Help: "port on the remote host", Do: note("p")},
		{Long: "try", Help: "serve with nothing set up", Do: note("try")},
		{Letter: 's', Long: "size", Arg: "bytes", Do: note("size")},
	}
}

func TestParse(t *testing.T) {
	for _, test := range []struct {
		line     string
		resume   int
		seen     string
		operands string
		err      string
	}{
		{"", 1, "", "", ""},
		{"-vvvNfL8080:localhost:80 host", 1, "v v v N f L=8080:localhost:80", "host", ""},
		{"-p22 host", 1, "p=22", "host", ""},
		{"-p 22 host", 1, "p=22", "host", ""},
		{"-vp 22 host", 1, "v p=22", "host", ""},
		{"host -p 22 cmd -v", 1, "p=22", "host cmd -v", ""},
		{"host cmd -v", 1, "", "host cmd -v", ""},
		{"host -- -v", 1, "", "host -v", ""},
		{"-- host -v", 1, "", "host -v", ""},
		{"host -v", 0, "", "host -v", ""},
		{"a -v b -N c", -1, "v N", "a b c", ""},
		{"a -v -- b -N c", -1, "v", "a b -N c", ""},
		{"- -v", 1, "v", "-", ""},
		{"-L -v host", 1, "L=-v", "host", ""},
		{"--try host", 1, "try", "host", ""},
		{"--size=5 --size 6 -s7", 1, "size=5 size=6 size=7", "", ""},
		{"-Z host", 1, "", "", "unknown option -- Z"},
		{"-vZ host", 1, "v", "", "unknown option -- Z"},
		{"-v-", 1, "v", "", "unknown option -- -"},
		{"-p", 1, "", "", "option requires an argument -- p"},
		{"host -p", 1, "", "", "option requires an argument -- p"},
		{"--tyr", 1, "", "", "unknown option -- tyr"},
		{"--size", 1, "", "", "option requires an argument -- size"},
		{"--try=yes", 1, "", "", "option doesn't take an argument -- try"},
		{"--=x", 1, "", "", "unknown option -- "},
		{"-\x1b", 1, "", "", "unknown option -- ?"},
	} {
		var seen []string
		operands, err := sshLike(&seen).Parse(strings.Fields(test.line), test.resume)
		text := ""
		if err != nil {
			text = err.Error()
		}
		if text != test.err || strings.Join(seen, " ") != test.seen || strings.Join(operands, " ") != test.operands {
			t.Errorf("%q: options %q, operands %q, error %q", test.line, seen, operands, text)
		}
	}
}

func TestLongNamesNeedARow(t *testing.T) {
	_, err := Table{{Letter: 'v'}}.Parse([]string{"--foo"}, 1)
	var e *Error
	if !errors.As(err, &e) || err.Error() != "unknown option -- -" {
		t.Errorf("a program without long names must say what OpenSSH's getopt says, not %v", err)
	}
}

func TestParseLeavesArgsAlone(t *testing.T) {
	var seen []string
	args := []string{"host", "-v", "cmd", "x"}
	want := append([]string(nil), args...)
	if _, err := sshLike(&seen).Parse(args, 1); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(args, want) {
		t.Errorf("args became %q", args)
	}
}

func TestDoErrorIsPassedOn(t *testing.T) {
	bad := errors.New("Bad port 'x'")
	table := Table{{Letter: 'p', Arg: "port", Do: func(string) error { return bad }}}
	if _, err := table.Parse([]string{"-px"}, 0); err != bad {
		t.Errorf("got %v", err)
	}
}

func TestUsage(t *testing.T) {
	var seen []string
	got := sshLike(&seen).Usage("ssh", "destination [command [argument ...]]")
	want := "usage: ssh [-4fNv] [-L address] [-p port] [-s bytes] [--try] destination\n" +
		"           [command [argument ...]]\n"
	if got != want {
		t.Errorf("got\n%s", got)
	}
	for _, line := range strings.Split(got, "\n") {
		if len(line) > usageWidth {
			t.Errorf("line of %d columns: %s", len(line), line)
		}
	}
}

func TestHelp(t *testing.T) {
	var seen []string
	want := "  -v       say more\n  -N       run no command\n  -p port  port on the remote host\n  --try    serve with nothing set up\n"
	if got := sshLike(&seen).Help(); got != want {
		t.Errorf("got\n%s", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("-vvvNfL8080:localhost:80\nhost\n-p\n22\ncmd", 1)
	f.Add("--size=5\n--\n-v", -1)
	f.Fuzz(func(t *testing.T, line string, resume int) {
		var seen []string
		args := strings.Split(line, "\n")
		operands, err := sshLike(&seen).Parse(args, resume)
		if err == nil && len(operands) > len(args) {
			t.Errorf("%q: operands out of nowhere: %q", args, operands)
		}
	})
}

func ExampleTable_Parse() {
	port := ""
	table := Table{{Letter: 'p', Arg: "port", Do: func(arg string) error { port = arg; return nil }}}
	operands, err := table.Parse([]string{"host", "-p2222", "ls", "-l"}, 1)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	fmt.Println(port, operands)
	// Output: 2222 [host ls -l]
}
