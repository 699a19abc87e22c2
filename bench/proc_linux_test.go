package main

import (
	"os"
	"os/exec"
	"testing"
)

func TestParseStat(t *testing.T) {
	p, err := parseStat([]byte("42 (a) b ( c) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 25 75 20 0 1 0 5 6 7\n"))
	if want := (proc{42, 7, 3}); err != nil || p != want {
		t.Errorf("%+v %v", p, err)
	}
	for _, bad := range []string{"", "42 name S 1", "42 (name) S 1 2", "x (name) S 7 42 42 0 -1 4194304 1 2 3 4 150 50 25 75 20 0"} {
		if p, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q: %+v", bad, p)
		}
	}
}

// A family has the processes that descend from one, and no others.
func TestFamily(t *testing.T) {
	// sh gives what runs in the background no input of its own unless told.
	cmd := exec.Command("sh", "-c", "exec 3<&0; cat <&3 & echo started; wait")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	of, err := family(cmd.Process.Pid)
	if err != nil || len(of) != 2 || of[1].parent != cmd.Process.Pid {
		t.Errorf("%+v %v", of, err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func TestOwnFigures(t *testing.T) {
	if n, err := proportional(os.Getpid()); err != nil || n < 1<<20 {
		t.Errorf("memory %g %v", n, err)
	}
	if ownCPU() <= 0 {
		t.Error("no processor time")
	}
}
