package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"
)

// A figure is one group of rows of the table.
type figure struct {
	name string
	run  func(*bench) error
}

func figures() []figure {
	return []figure{
		{"mem", memRow},
		{"pipe", pipeRow},
		{"far", farRow},
		{"true", trueRow},
		{"turns", turnsRow},
		{"login", loginRow},
		{"forward", forwardRow},
		{"echo", echoRow},
		{"shared", sharedRow},
		{"idle", idleRow},
		{"sign", signRow},
		{"hosts", hostsRow},
		{"keyscan", keyscanRow},
		{"version", versionRow},
	}
}

// A bench is one run of the program: what the figures are made with and where
// they go.
type bench struct {
	*table
	*lab
	runs  int  // of each side
	quick bool // small sizes
}

// size is n, or the smaller number when it has to be quick.
func (b *bench) size(n, quick int) int {
	if b.quick {
		return quick
	}
	return n
}

// sides are ours and the peer's, in the order of the table's columns.
func (b *bench) sides() [2]side { return [2]side{b.ours, b.peer} }

func main() {
	role := flag.String("role", "", "a process of a figure (internal)")
	only := flag.String("run", "", "only the figures whose name contains this")
	runs := flag.Int("n", 5, "runs of each side")
	quick := flag.Bool("quick", false, "small sizes, and one run unless -n is given")
	same := flag.Bool("same", false, "put OpenSSH in nacre's place, to see how far two equal columns differ")
	profiles := flag.String("profile", "", "have nacre's processes write their profiles to this directory")
	cpu := flag.String("cpuprofile", "", "with -role: write a processor profile here")
	flag.Parse()
	if *role != "" {
		exit(runRole(*role, *cpu, flag.Args()))
		return
	}
	if *quick && !given("n") {
		*runs = 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := newLab(ctx, *same, *profiles)
	exit(err)
	b := &bench{table: newTable(os.Stdout), lab: l, runs: *runs, quick: *quick}
	failed := b.run(ctx, *only)
	l.close()
	b.summary()
	if failed {
		os.Exit(1)
	}
}

// run runs the figures. One that fails doesn't keep the others from running.
func (b *bench) run(ctx context.Context, only string) (failed bool) {
	for _, f := range figures() {
		if !strings.Contains(f.name, only) || ctx.Err() != nil {
			continue
		}
		if err := f.run(b); err != nil {
			failed = true
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", f.name, err)
		}
		b.stopServers()
	}
	return failed || ctx.Err() != nil
}

// given tells whether a flag is on the command line.
func given(name string) (found bool) {
	flag.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// runRole is what a process does that a figure has started from this binary.
func runRole(role, profile string, args []string) error {
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	switch role {
	case "guard":
		return guardRole(args)
	case "far":
		return farRole()
	case "bulk":
		args = append(args, "", "")
		return bulkRole(args[0], args[1])
	case "mem":
		args = append(args, "", "", "")
		return memRole(args[0], args[1], args[2])
	}
	return fmt.Errorf("unknown role %q", role)
}
