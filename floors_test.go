package nacre_test

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/nacre-ssh/nacre"

// room is one package, with the packages below it that aren't listed
// themselves.
type room struct {
	floor  int
	beside []string // rooms of the same floor that it may import
}

// floors is the house: an import goes down, never up, and sideways only where
// the room's row names the other. Tests are free, they may look from above.
var floors = map[string]room{
	"wire":                 {floor: 0},
	"internal/slab":        {floor: 0},
	"internal/netx":        {floor: 0, beside: []string{"internal/slab"}},
	"internal/tun":         {floor: 0},
	"internal/getopt":      {floor: 0},
	"internal/pattern":     {floor: 0},
	"internal/bcryptpbkdf": {floor: 0},
	"internal/sntrup":      {floor: 0},
	"internal/umac":        {floor: 0},
	"internal/chacha":      {floor: 0},
	"internal/edwards":     {floor: 0},
	"internal/argon2d":     {floor: 0},
	"internal/inflate":     {floor: 0},
	"internal/leakcheck":   {floor: 0},
	"internal/moduli":      {floor: 0},
	"internal/winsys":      {floor: 0},

	"key":     {floor: 1},
	"keyfile": {floor: 1, beside: []string{"key"}},
	"cert":    {floor: 1, beside: []string{"key", "keyfile"}},
	"packet":  {floor: 1},
	"kex":     {floor: 1, beside: []string{"key"}},

	"transport": {floor: 2},

	"mux":  {floor: 3},
	"auth": {floor: 3},

	"knownhosts": {floor: 4},
	"config":     {floor: 4},
	"agent":      {floor: 4},
	"sk":         {floor: 4},
	"putty":      {floor: 4, beside: []string{"knownhosts"}},
	"sftp":       {floor: 4},
	"scp":        {floor: 4, beside: []string{"sftp"}},
	"proxy":      {floor: 4},
	"forward":    {floor: 4, beside: []string{"proxy"}},
	"x11":        {floor: 4},
	"term":       {floor: 4},
	"telnet":     {floor: 4},

	"client":  {floor: 5},
	"control": {floor: 5, beside: []string{"client"}},
	"server":  {floor: 5},
	"login":   {floor: 5, beside: []string{"server"}},
	"mount":   {floor: 5, beside: []string{"client"}},
	"record":  {floor: 5},

	"hub": {floor: 6},
	"web": {floor: 6},

	"applet/door":   {floor: 7},
	"applet/keys":   {floor: 7, beside: []string{"applet/door"}},
	"applet/agents": {floor: 7, beside: []string{"applet/door"}},
	"applet/sshd":   {floor: 7, beside: []string{"applet/door"}},
	"applet/plain":  {floor: 7, beside: []string{"applet/door"}},
	"applet":        {floor: 7, beside: []string{"applet/door", "applet/keys", "applet/agents", "applet/sshd", "applet/plain"}},
	"cmd/nacre":     {floor: 7, beside: []string{"applet"}},

	// Beside the house. Nothing in it leans on these.
	"internal/testpeer": {floor: outside},
	"internal/interop":  {floor: outside, beside: []string{"internal/testpeer"}},
	"internal/hostile":  {floor: outside, beside: []string{"internal/testpeer"}},
	"bench":             {floor: outside, beside: []string{"internal/testpeer"}},
	".":                 {floor: outside},
}

const outside = 8

// forTests are rooms that only tests import.
var forTests = []string{"internal/leakcheck"}

// source is one parsed Go file of the module.
type source struct {
	path    string // slash-separated, from the root
	text    []byte
	file    *ast.File
	imports []string
}

func (s source) dir() string  { return path.Dir(s.path) }
func (s source) test() bool   { return strings.HasSuffix(s.path, "_test.go") }
func (s source) room() string { return roomOf(s.dir()) }

// roomOf finds the room that dir belongs to, "" if none.
func roomOf(dir string) string {
	for dir != "." {
		if _, ok := floors[dir]; ok {
			return dir
		}
		dir = path.Dir(dir)
	}
	return ""
}

// sources parses every Go file, for every system. It reads the files itself
// because go list sees only one system's.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || d.Name() == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(set, name, text, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(name), text: text, file: file}
		for _, i := range file.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, imported)
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestFloors(t *testing.T) {
	for _, s := range sources(t) {
		from := s.room()
		if from == "" && s.dir() != "." {
			t.Errorf("%s: package %s has no floor: give it a row in floors_test.go", s.path, s.dir())
			continue
		}
		if s.test() {
			continue
		}
		for _, i := range s.imports {
			if inside, ok := strings.CutPrefix(i, module+"/"); ok {
				checkImport(t, s.path, from, roomOf(inside))
			}
		}
	}
}

func checkImport(t *testing.T, file, from, to string) {
	t.Helper()
	a, b := floors[from], floors[to]
	switch {
	case from == to, to == "": // to == "" fails where that package is looked at
	case slices.Contains(forTests, to):
		t.Errorf("%s: %s is for tests only", file, to)
	case b.floor > a.floor:
		t.Errorf("%s: %s is on floor %d and imports %s above it, on floor %d", file, from, a.floor, to, b.floor)
	case b.floor == a.floor && !slices.Contains(a.beside, to):
		t.Errorf("%s: %s imports %s, its neighbour on floor %d, and its row does not say so", file, from, to, a.floor)
	}
}

// The peers' library is a peer: nacre has its own engine.
func TestNoForeignEngine(t *testing.T) {
	const engine = "golang.org/x/crypto/ssh"
	for _, s := range sources(t) {
		if s.test() || floors[s.room()].floor == outside {
			continue
		}
		for _, i := range s.imports {
			if i == engine || strings.HasPrefix(i, engine+"/") {
				t.Errorf("%s: imports %s, which is for tests, internal/testpeer and bench", s.path, i)
			}
		}
	}
}

func TestEveryPackageHasADoc(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test() {
			continue
		}
		documented[s.dir()] = documented[s.dir()] || s.file.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment: write its doc.go", dir)
		}
	}
}

func TestGofmt(t *testing.T) {
	for _, s := range sources(t) {
		want, err := format.Source(s.text)
		if err != nil {
			t.Errorf("%s: %v", s.path, err)
		} else if !bytes.Equal(want, s.text) {
			t.Errorf("%s: not formatted, run gofmt -w", s.path)
		}
	}
}

// Every module that this one uses by itself has a row, with the reason, in
// ARCHITECTURE.md, and every row is used.
func TestDependenciesAreNamed(t *testing.T) {
	required := requirements(t)
	used := map[string]bool{}
	for _, s := range sources(t) {
		for _, i := range s.imports {
			if first, _, _ := strings.Cut(i, "/"); strings.Contains(first, ".") && !strings.HasPrefix(i, module) {
				used[providerOf(t, i, required)] = true
			}
		}
	}
	for name, direct := range required {
		if direct {
			used[name] = true
		}
	}
	rows := dependencyRows(t)
	for name := range used {
		if !rows[name] {
			t.Errorf("%s has no row under Dependencies in ARCHITECTURE.md", name)
		}
	}
	for name := range rows {
		if !used[name] {
			t.Errorf("ARCHITECTURE.md names %s, which nothing uses", name)
		}
	}
}

// providerOf is the required module that the package imported comes from.
func providerOf(t *testing.T, imported string, required map[string]bool) string {
	t.Helper()
	for name := imported; name != "."; name = path.Dir(name) {
		if _, ok := required[name]; ok {
			return name
		}
	}
	t.Errorf("no module in go.mod has %s", imported)
	return imported
}

// requirements are go.mod's modules; true for those required or run as a tool
// directly.
func requirements(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	required := map[string]bool{}
	var tools []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "tool":
			tools = append(tools, fields[1])
		case len(fields) >= 3 && fields[0] == "require" && fields[1] != "(":
			required[fields[1]] = !strings.HasSuffix(strings.TrimSpace(line), "// indirect")
		case len(fields) >= 2 && strings.HasPrefix(fields[1], "v"):
			required[fields[0]] = !strings.HasSuffix(strings.TrimSpace(line), "// indirect")
		}
	}
	for _, tool := range tools {
		required[providerOf(t, tool, maps.Clone(required))] = true
	}
	return required
}

// dependencyRows are the modules in the first column of the table under
// Dependencies in ARCHITECTURE.md.
func dependencyRows(t *testing.T) map[string]bool {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "\n## Dependencies\n")
	if !ok {
		t.Fatal("ARCHITECTURE.md has no section Dependencies")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]bool{}
	for line := range strings.Lines(section) {
		if name, ok := strings.CutPrefix(line, "| `"); ok {
			name, _, _ = strings.Cut(name, "`")
			rows[name] = true
		}
	}
	return rows
}

// ARCHITECTURE.md shows the floors as they are: each package that exists is in
// its floor's row.
func TestArchitectureShowsTheFloors(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	row := map[int]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		if floor, err := strconv.Atoi(strings.TrimSpace(cells[1])); err == nil {
			row[floor] += cells[2]
		}
	}
	exists := map[string]bool{}
	for _, s := range sources(t) {
		exists[s.room()] = true
	}
	for name, r := range floors {
		if exists[name] && r.floor != outside && !strings.Contains(row[r.floor], "`"+name+"`") {
			t.Errorf("ARCHITECTURE.md does not show %s on floor %d", name, r.floor)
		}
	}
}
