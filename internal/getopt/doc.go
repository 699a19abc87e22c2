// Package getopt reads command lines the way the original programs do, letter
// by letter: letters may be joined (-vvvNf), an option's argument may be glued
// to it or follow it (-p22, -p 22, -NfL8080:localhost:80), "--" ends the
// options, and "-" alone is an operand. Long names (--try, --size=5) exist for
// the doors that are our own.
//
// A program declares a [Table]: one [Row] an option, with what it is called,
// what it takes, what it does and what the manual says about it. Parsing and
// the usage text both come from it:
//
//	table := getopt.Table{
//		{Letter: 'v', Help: "say more", Do: func(string) error { verbose++; return nil }},
//		{Letter: 'p', Arg: "port", Help: "port on the remote host", Do: setPort},
//	}
//	operands, err := table.Parse(os.Args[1:], 1)
//
// The other way round, [Word] and [Quoted] write a word so that a shell reads it
// back, for the commands that messages advise.
//
// It does not know any program's options, prints nothing and never exits: that
// is for the applets above.
package getopt
