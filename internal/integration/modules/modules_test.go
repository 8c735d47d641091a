// Package modules_test gets the library, its stores and the tool as people do,
// outside of the workspace, from a proxy that has the working tree as the next
// release.
package modules_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const library = "github.com/cloakroom/cloakroom"

// Parts of the names of modules that no program should download unasked.
var drivers = []string{"rueidis", "go-redis", "otter", "mongo-driver", "aws-sdk-go", "smithy-go", "pgx", "go-sql-driver", "sqlite", "kong", "chromedp", "fiber"}

func TestPrograms(t *testing.T) {
	for _, c := range []struct {
		name   string // of a folder in testdata, or else of a store that is opened by URL
		get    string // the package below the library that it gets, beside the library
		also   string // a driver that the program itself chooses
		wants  []string
		prints string
	}{
		{"root", "", "", nil, "visits: 1\nvisits: 2\nfiles: <nil>\nflask without a key is refused: true\n"},
		{"sqlstore", "store/sqlstore", "modernc.org/sqlite", []string{"sqlite"}, "visits: 1\nvisits: 2\n"},
		{"goredisstore", "store/redisstore/goredisstore", "github.com/redis/go-redis/v9", []string{"go-redis"}, "made: true\n"},
		{"cachestore", "store/cachestore", "", []string{"otter"}, "made: true\n"},
		{"redisstore", "store/redisstore", "", []string{"rueidis"}, ""},
		{"memcachedstore", "store/memcachedstore", "", nil, ""},
		{"mongostore", "store/mongostore", "", []string{"mongo-driver"}, ""},
		{"dynamostore", "store/dynamostore", "", []string{"aws-sdk-go", "smithy-go"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newProgram(t)
			source, err := os.ReadFile(filepath.Join("testdata", c.name, "main.go"))
			if err != nil {
				source = fmt.Appendf(nil, byURL, library, c.name)
				c.prints = "store: open test: " + c.name + ": open: "
			}
			p.write("main.go", source)
			needs, get := []string{library}, []string{"get", library + "@latest"}
			if c.get != "" {
				needs, get = append(needs, p.moduleOf(c.get)), append(get, library+"/"+c.get+"@latest")
			}
			if c.also != "" {
				needs, get = append(needs, c.also), append(get, c.also+"@"+p.version(c.also))
			}
			p.download(needs, ".")

			p.remove("go.mod", "go.sum")
			p.run("go", "mod", "init", "example.com/program")
			p.run("go", get...)
			p.run("go", "build", "-o", "program", ".")
			if got := p.run(filepath.Join(p.dir, "program")); !strings.HasPrefix(got, c.prints) {
				t.Errorf("the program prints\n%s, want\n%s", got, c.prints)
			}

			// A sum of a module's zip, and not only of its go.mod file, is there
			// if the zip was downloaded.
			downloaded := p.sums()
			found := map[string]bool{}
			for _, m := range downloaded {
				for _, d := range drivers {
					if strings.Contains(m, d) {
						found[d] = true
					}
				}
			}
			if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, c.wants) {
				t.Errorf("the program downloads the drivers %v, want %v; all modules: %v", got, c.wants, downloaded)
			}
			if c.wants == nil && slices.ContainsFunc(downloaded, func(m string) bool { return !own(m) }) {
				t.Errorf("the program downloads %v, want nothing but the library's", downloaded)
			}
		})
	}
}

// byURL is a program that opens a store by URL.
const byURL = `package main

import (
	"context"
	"fmt"

	"%[1]s/store"
	"%[1]s/store/%[2]s"
)

func main() {
	_, err := store.Openers{"test": %[2]s.Open}.Open(context.Background(), "test://localhost/?nonsense=1")
	fmt.Println(err)
}
`

func TestTool(t *testing.T) {
	p := newProgram(t)
	p.download([]string{library + "/cmd"}, library+"/cmd/cloakroom")

	p.remove("go.mod", "go.sum")
	p.env = append(p.env, "GOBIN="+p.dir)
	p.run("go", "install", library+"/cmd/cloakroom@latest")
	tool := filepath.Join(p.dir, "cloakroom")
	if got, want := p.run(tool, "version"), "cloakroom "+p.version(library)+" go"; !strings.HasPrefix(got, want) {
		t.Errorf("cloakroom version prints %q, want %q…", got, want)
	}
	if got := p.run(tool, "--help"); !strings.Contains(got, "migrate") {
		t.Errorf("cloakroom --help prints\n%s", got)
	}
}

func own(module string) bool {
	return module == library || strings.HasPrefix(module, library+"/")
}

// stage is the folder of the proxy; environment is that of a go command which
// gets what is not in the proxy from where this machine has it.
var stage, environment = sync.OnceValue(func() string {
	dir, _ := filepath.Abs("../../../bin/.outside")
	return dir
}), sync.OnceValues(func() ([]string, error) {
	out, err := exec.Command("../../../scripts/proxy", stage()).Output()
	return strings.Split(strings.TrimSpace(string(out)), "\n"), err
})

// A program is one outside of the workspace.
type program struct {
	t   *testing.T
	dir string
	env []string // of its go commands, which know no other proxy than ours
}

func newProgram(t *testing.T) *program {
	t.Helper()
	env, err := environment()
	if err != nil {
		missing(t, "scripts/proxy: %v", err)
	}
	return &program{t: t, dir: t.TempDir(),
		env: slices.Concat(os.Environ(), env, []string{"GOPROXY=file://" + stage() + "/proxy", "GOSUMDB=off"})}
}

// missing skips a test that needs what this machine does not have.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

func (p *program) write(name string, text []byte) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), text, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *program) remove(names ...string) {
	p.t.Helper()
	for _, name := range names {
		if err := os.Remove(filepath.Join(p.dir, name)); err != nil {
			p.t.Fatal(err)
		}
	}
}

// run returns what a command prints.
func (p *program) run(name string, args ...string) string {
	p.t.Helper()
	out, err := p.try(p.env, name, args...)
	if err != nil {
		p.t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return out
}

func (p *program) try(env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(p.t.Context(), name, args...)
	cmd.Dir = p.dir
	cmd.Env = env
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, stderr.String())
	}
	return string(out), err
}

// download brings what a package needs into the module cache, of other people's
// modules, too. These have the versions and sums that ours have written down.
func (p *program) download(modules []string, pkg string) {
	p.t.Helper()
	mod := []byte("module example.com/program\n\ngo 1.26.0\n\n")
	for _, m := range modules {
		mod = fmt.Appendf(mod, "require %s %s\n", m, p.version(m))
	}
	p.write("go.mod", mod)
	p.write("go.sum", []byte(p.staged("go.sum")))
	env, _ := environment()
	if _, err := p.try(slices.Concat(os.Environ(), env), "go", "list", "-mod=mod", "-deps", "-test", pkg); err != nil {
		missing(p.t, "download: %v", err)
	}
}

// staged returns the text of all files of a name that the proxy was made from.
func (p *program) staged(name string) string {
	p.t.Helper()
	var all strings.Builder
	for _, pattern := range []string{"*", "store/*"} {
		files, err := filepath.Glob(filepath.Join(stage(), "mod", pattern, name))
		if err != nil || len(files) == 0 {
			p.t.Fatalf("no %s in %s", name, stage())
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				p.t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}

// moduleOf returns the module that has a package below the library.
func (p *program) moduleOf(pkg string) string {
	for dir := pkg; dir != "."; dir = path.Dir(dir) {
		if _, err := os.Stat(filepath.Join(stage(), "mod", dir, "go.mod")); err == nil {
			return library + "/" + dir
		}
	}
	return library
}

// version returns the version of a module that ours require.
func (p *program) version(module string) string {
	p.t.Helper()
	m := regexp.MustCompile(`(?m)\b` + regexp.QuoteMeta(module) + ` (v\S+)`).FindStringSubmatch(p.staged("go.mod"))
	if m == nil {
		if own(module) {
			return p.version(library)
		}
		p.t.Fatalf("no module requires %s", module)
	}
	return m[1]
}

// sums returns the modules whose zips are in go.sum.
func (p *program) sums() []string {
	p.t.Helper()
	text, err := os.ReadFile(filepath.Join(p.dir, "go.sum"))
	if err != nil {
		p.t.Fatal(err)
	}
	var modules []string
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 && !strings.HasSuffix(f[1], "/go.mod") {
			modules = append(modules, f[0])
		}
	}
	return modules
}
