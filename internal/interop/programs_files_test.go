package interop

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

// testGit pushes, clones and fetches by every way that git has to find its ssh.
func testGit(t *testing.T, s *station) {
	s.tree(t)
	git := []string{"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b"}
	s.run(t, git, "sh", "-ec", "git init -q -b main --bare r.git; git init -q -b main l; cd l; mv ../tree .; git add .; "+
		"git commit -qm one; date >new; git add new; git commit -qm two")
	s.run(t, append(git, "GIT_SSH="+s.script), "git", "-C", "l", "push", "-q", "far:"+s.path("r.git"), "main")
	url := fmt.Sprintf("ssh://other:%d%s", s.at.Port, s.path("r.git"))
	for i, env := range []string{
		"GIT_SSH_COMMAND=" + s.link + " -F " + s.conf,
		// No name that git knows: it asks with -G what the program understands.
		"GIT_SSH_COMMAND=" + s.program(t, "bin/nacre", `exec `+s.link+` "$@"`) + " -F " + s.conf,
		"GIT_SSH_VARIANT=ssh",
	} {
		clone := fmt.Sprintf("clone%d", i)
		s.run(t, append(git, env), "git", "clone", "-q", url, clone)
		s.same(t, s.path("l/tree"), s.path(clone+"/tree"))
	}
	s.run(t, git, "git", "clone", "-q", "--depth", "1", url, "shallow")
	if n := s.run(t, git, "git", "-C", "shallow", "rev-list", "--count", "HEAD"); n != "1\n" {
		t.Errorf("the shallow clone has %s commits", n)
	}
	s.run(t, git, "git", "-C", "shallow", "fetch", "-q", "--unshallow")
	if n := s.run(t, git, "git", "-C", "shallow", "rev-list", "--count", "HEAD"); n != "2\n" {
		t.Errorf("after fetching there are %s commits", n)
	}
	out, err := s.try(t, git, "git", "clone", url+".none", "none")
	if err == nil || !strings.Contains(out, "does not appear to be a git repository") {
		t.Errorf("a repository that isn't there: %v: %s", err, out)
	}
}

func testRsync(t *testing.T, s *station) {
	tree := s.tree(t)
	s.run(t, nil, "rsync", "-a", "-e", s.link+" -F "+s.conf, tree+"/", "far:"+s.path("pushed"))
	s.same(t, tree, s.path("pushed"))
	s.run(t, []string{"RSYNC_RSH=" + s.script}, "rsync", "-az", "--delete", "far:"+s.path("pushed")+"/", s.path("pulled"))
	s.same(t, tree, s.path("pulled"))
	s.run(t, nil, "rsync", "-a", "--bwlimit=16m", "-e", s.script+" -p "+fmt.Sprint(s.at.Port), "other:"+tree+"/big", s.path("slow"))
	s.same(t, tree+"/big", s.path("slow"))
}

func testSCP(t *testing.T, s *station) {
	tree := s.tree(t)
	for _, protocol := range []string{"-s", "-O"} {
		scp := []string{"scp", "-q", protocol, "-S", s.link, "-F", s.conf, "-r", "-p"}
		there, back := s.path("there"+protocol), s.path("back"+protocol)
		s.run(t, nil, append(scp, tree, "far:"+there)...)
		s.run(t, nil, append(scp, "-P", fmt.Sprint(s.at.Port), "other:"+there, back)...)
		s.same(t, tree, there)
		s.same(t, tree, back)
	}
	s.run(t, nil, "scp", "-q", "-3", "-S", s.script, "far:"+tree+"/big", "far:"+s.path("third"))
	s.same(t, tree+"/big", s.path("third"))
	if out, err := s.try(t, nil, "scp", "-q", "-S", s.script, "far:"+s.path("none"), "x"); err == nil || !strings.Contains(out, "No such file or directory") {
		t.Errorf("a file that isn't there: %v: %s", err, out)
	}
}

func testSFTP(t *testing.T, s *station) {
	tree := s.tree(t)
	batch := s.write(t, "batch", fmt.Sprintf("mkdir %[1]s/up\nput -r %[2]s %[1]s/up\nls -l %[1]s/up/tree\nget -r %[1]s/up/tree %[1]s/down\n", s.dir, tree))
	out := s.run(t, nil, "sftp", "-S", s.link, "-F", s.conf, "-b", batch, "far")
	if !strings.Contains(out, "dir 19") {
		t.Errorf("the list is %q", out)
	}
	s.same(t, tree, s.path("up/tree"))
	s.same(t, tree, s.path("down"))
}

func testSSHFS(t *testing.T, s *station) {
	tree, mount := s.tree(t), s.path("mount")
	s.run(t, nil, "mkdir", mount)
	s.run(t, nil, "sshfs", "-o", "ssh_command="+s.link, "-F", s.conf, "far:"+s.dir, mount)
	t.Cleanup(func() { exec.Command("fusermount3", "-u", "-z", mount).Run() })
	s.same(t, tree, mount+"/tree")
	s.write(t, "mount/written", "through the mount\n")
	s.run(t, nil, "fusermount3", "-u", mount)
	if got := s.read(t, "written"); got != "through the mount\n" {
		t.Errorf("what was written is %q", got)
	}
}

func testBorg(t *testing.T, s *station) {
	env := []string{"BORG_RSH=" + s.link + " -F " + s.conf, "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes"}
	repository := "ssh://far" + s.path("borg")
	s.tree(t)
	s.run(t, env, "borg", "init", "-e", "none", repository)
	s.run(t, env, "borg", "create", repository+"::one", "tree")
	s.run(t, nil, "mv", "tree", "was")
	s.run(t, env, "borg", "extract", repository+"::one")
	s.same(t, s.path("was"), s.path("tree"))
}
