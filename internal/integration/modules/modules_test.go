// Package modules_test checks what a program downloads that imports the library
// and one store.
package modules_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const library = "github.com/cloakroom/cloakroom"

// Parts of the names of modules that no program should get unasked.
var drivers = []string{"rueidis", "go-redis", "otter", "mongo-driver", "aws-sdk-go", "smithy-go", "pgx", "go-sql-driver", "sqlite", "kong", "chromedp", "fiber"}

func TestNoOtherDrivers(t *testing.T) {
	for _, c := range []struct {
		imports []string // below the library
		drivers []string
	}{
		{[]string{"store/memstore", "store/filestore", "store/sqlstore", "flask", "store/storetest"}, nil},
		{[]string{"store/redisstore"}, []string{"rueidis"}},
		{[]string{"store/redisstore/goredisstore"}, []string{"go-redis"}},
		{[]string{"store/memcachedstore"}, nil},
		{[]string{"store/cachestore"}, []string{"otter"}},
		{[]string{"store/mongostore"}, []string{"mongo-driver"}},
		{[]string{"store/dynamostore"}, []string{"aws-sdk-go", "smithy-go"}},
	} {
		t.Run(c.imports[0], func(t *testing.T) {
			t.Parallel()
			modules := modulesOf(t, c.imports)
			found := map[string]bool{}
			for _, m := range modules {
				for _, d := range drivers {
					if strings.Contains(m, d) {
						found[d] = true
					}
				}
			}
			if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, c.drivers) {
				t.Errorf("the program gets the drivers %v, want %v; all modules: %v", got, c.drivers, modules)
			}
			if c.drivers == nil {
				for _, m := range modules {
					if m != "example.com/program" && !strings.HasPrefix(m, library) {
						t.Errorf("the program gets %s", m)
					}
				}
			}
		})
	}
}

// modulesOf returns what `go list -m all` prints in a program that imports the
// library and packages below it. It builds the program, so that the modules are
// those that are needed.
func modulesOf(t *testing.T, imports []string) []string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source := &strings.Builder{}
	mod := &strings.Builder{}
	fmt.Fprintf(source, "package main\n\nimport (\n\t_ %q\n", library)
	fmt.Fprintf(mod, "module example.com/program\n\ngo 1.26.0\n\nrequire %s v0.0.0\n\nreplace %[1]s => %q\n", library, root)
	var sums []byte
	for _, imp := range imports {
		fmt.Fprintf(source, "\t_ %q\n", library+"/"+imp)
		if _, err := os.Stat(filepath.Join(root, imp, "go.mod")); err == nil {
			fmt.Fprintf(mod, "\nrequire %s/%s v0.0.0\n\nreplace %[1]s/%[2]s => %q\n", library, imp, filepath.Join(root, imp))
			sum, _ := os.ReadFile(filepath.Join(root, imp, "go.sum"))
			sums = append(sums, sum...)
		}
	}
	source.WriteString(")\n\nfunc main() {}\n")
	for name, text := range map[string]string{"main.go": source.String(), "go.mod": mod.String(), "go.sum": string(sums)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
		}
		return string(out)
	}
	run("list", "-deps", ".")
	return strings.Fields(run("list", "-m", "-f", "{{.Path}}", "all"))
}
