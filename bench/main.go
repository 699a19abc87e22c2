package main

import (
	"flag"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"strings"
	"syscall"
)

// A figure is one group of rows of the table.
type figure struct {
	name string
	run  func(*table) error
}

func figures() []figure {
	return []figure{
		{"mem", memRow},
	}
}

func main() {
	role := flag.String("role", "", "a process of a figure (internal)")
	only := flag.String("run", "", "only the figures whose name contains this")
	runs := flag.Int("n", 5, "runs of each side")
	profile := flag.String("cpuprofile", "", "with -role: write a processor profile here")
	flag.Parse()
	if *role != "" {
		if *profile != "" {
			f, err := os.Create(*profile)
			exit(err)
			exit(pprof.StartCPUProfile(f))
			defer pprof.StopCPUProfile()
		}
		exit(runRole(*role, flag.Args()))
		return
	}
	t := newTable(*runs)
	for _, f := range figures() {
		if !strings.Contains(f.name, *only) {
			continue
		}
		if err := f.run(t); err != nil {
			exit(fmt.Errorf("%s: %w", f.name, err))
		}
	}
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func runRole(role string, args []string) error {
	args = append(args, "", "", "")
	switch role {
	case "mem":
		return memRole(args[0], args[1], args[2])
	}
	return fmt.Errorf("unknown role %q", role)
}

func self() string {
	path, err := os.Executable()
	exit(err)
	return path
}

// ownCPU is the processor time of this process, in seconds.
func ownCPU() float64 {
	var u syscall.Rusage
	exit(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return seconds(u.Utime) + seconds(u.Stime)
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}

// A table prints rows as they are measured.
type table struct{ runs int }

func newTable(runs int) *table {
	fmt.Printf("%-58s %-11s %10s %10s %-10s %7s  %s\n", "figure", "unit", "nacre", "peer", "", "ratio", "must reach")
	return &table{runs}
}

func (t *table) row(name, unit string, ours float64, peer string, theirs float64, goal string) {
	ratio := "-"
	if theirs > 0 {
		ratio = fmt.Sprintf("%.3f", ours/theirs)
	}
	fmt.Printf("%-58s %-11s %10.4g %10.4g %-10s %7s  %s\n", name, unit, ours, theirs, peer, ratio, goal)
}
