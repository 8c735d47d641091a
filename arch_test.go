package cloakroom_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/cloakroom/cloakroom"

// The layers, from top to bottom: a package may import packages of this project
// only if they stand in its list, whichever module they are in. An entry that
// ends in /... stands for a folder and all below it.
var mayImport = map[string][]string{
	"cmd/...":         {"", "codec", "seal", "flask/...", "store/...", "examples/register", "internal/storeurl"},
	"examples/...":    {"", "store/..."},
	"bench/...":       {"", "store/..."},
	"cloakroomtest":   {"", "store", "store/memstore"},
	"":                {"codec", "seal", "store", "internal/edge", "internal/engine", "internal/hidden", "internal/ledger", "internal/rules", "internal/useragent"},
	"internal/edge":   {"store", "internal/engine", "internal/rules"},
	"internal/engine": {"codec", "seal", "store", "internal/ledger", "internal/rules", "internal/wire"},
	"internal/rules":  {"codec", "internal/ledger"},
	"internal/ledger": {"codec"},
	"codec":           {"internal/..."},
	"seal":            {},
	"flask": {"", "codec", "seal", "store", "itsdangerous", "flask/...", "internal/ledger", "internal/rules",
		"internal/jsontext", "internal/msgpack", "internal/pickle", "internal/pyvalue", "internal/storeurl", "internal/taggedjson", "internal/wire"},
	"flask/cachelibstore":           {"store", "internal/..."},
	"itsdangerous":                  {},
	"store":                         {"internal/storeurl"},
	"store/storetest":               {"store"},
	"store/memstore":                {"store", "internal/probe", "internal/storeurl"},
	"store/filestore":               {"store", "internal/flock", "internal/probe", "internal/storeurl"},
	"store/sqlstore":                {"store", "internal/probe", "internal/storeurl"},
	"store/redisstore":              {"store", "store/redisstore/internal/redisproto", "internal/storeurl"},
	"store/redisstore/goredisstore": {"store", "store/redisstore/internal/redisproto"},
	"store/memcachedstore":          {"store", "internal/probe", "internal/storeurl"},
	"store/mongostore":              {"store", "internal/probe", "internal/storeurl"},
	"store/dynamostore":             {"store", "internal/probe", "internal/storeurl"},
	"store/cachestore":              {"store"},
	"internal/msgpack":              {"internal/wire"},
	"internal/jsontext":             {"internal/wire"},
	"internal/wire":                 {"internal/pyvalue"},
	"internal/wire/wiretest":        {},
	"internal/pickle":               {"codec", "internal/..."}, // as internal/taggedjson
	"internal/pyvalue":              {},
	"internal/pyvalue/pyvaluetest":  {"internal/pyvalue"},
	"internal/taggedjson":           {"codec", "internal/..."}, // a codec itself, for package flask alone
	"internal/contend":              {"store"},
	"internal/flock":                {},
	"internal/probe":                {"store"},
	"internal/integration/visitors": {"", "store"},
	"internal/guarantee":            {}, // tests alone
	"internal/logins":               {"", "codec", "seal", "store", "internal/engine"},
	"internal/hidden":               {},
	"internal/printtest":            {},
	"internal/sitetest":             {"", "cloakroomtest", "codec", "store", "store/memstore", "store/filestore"},
	"internal/storetable":           {"store/storetest"},
	"internal/storeurl":             {},
	"internal/testserver":           {},
	"internal/tools/...":            {},
	"internal/useragent":            {},

	// Also built with an older release.
	"internal/integration/releases/service": {"", "codec", "store", "store/filestore", "store/redisstore"},

	// What redisstore and goredisstore share.
	"store/redisstore/internal/redisproto": {"store", "internal/probe"},
	"store/redisstore/internal/redistest":  {"store", "store/storetest", "store/redisstore/internal/redisproto", "internal/contend", "internal/testserver"},
}

func TestLayers(t *testing.T) {
	seen := map[string]bool{}
	eachGoFile(t, true, func(dir, file string, imports []string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		allowed, ok := rule(dir)
		if !ok {
			t.Errorf("%s: package %q has no rule in mayImport: add it to the layer where it belongs", file, dir)
			return
		}
		seen[dir] = true
		for _, imp := range imports {
			rel, own := strings.CutPrefix(imp, module)
			if !own {
				continue
			}
			if rel = strings.TrimPrefix(rel, "/"); !matchAny(allowed, rel) {
				t.Errorf("%s imports %q, which its layer may not", file, imp)
			}
		}
	})
	for _, dir := range []string{"", "codec", "store/filestore", "store/redisstore", "cmd/cloakroom"} {
		if !seen[dir] {
			t.Errorf("package %q was not checked: the walk is broken", dir)
		}
	}
}

// Rooms that are kept pure may not import these of the standard library, and
// their code may not name what follows them.
var pure = map[string]struct{ imports, names []string }{
	"internal/ledger": {[]string{"context", "sync", "net/http", "os", "math/rand/v2", "crypto/rand"}, []string{"time.Now", "time.Since"}},
	"internal/rules":  {[]string{"context", "sync", "net/http"}, []string{"time.Now"}},
	"internal/engine": {[]string{"net/http"}, nil},

	"internal/useragent": {[]string{"context", "sync", "net/http", "os"}, []string{"time.Now"}},
}

func TestPureRooms(t *testing.T) {
	checked := 0
	eachGoFile(t, false, func(dir, file string, imports []string) {
		room, ok := pure[dir]
		if !ok || strings.HasSuffix(file, "_test.go") {
			return
		}
		checked++
		for _, imp := range room.imports {
			if slices.Contains(imports, imp) {
				t.Errorf("%s imports %q", file, imp)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range room.names {
			if strings.Contains(string(text), name) {
				t.Errorf("%s uses %s", file, name)
			}
		}
	})
	if checked < 10 {
		t.Errorf("only %d files were checked: the walk is broken", checked)
	}
}

// Tests count too: who runs them should not download anything either.
func TestRootModuleRequiresNothing(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		for _, word := range []string{"require", "replace", "tool"} {
			if strings.HasPrefix(line, word) {
				t.Errorf("go.mod: %q", line)
			}
		}
	}
	eachGoFile(t, false, func(_, file string, imports []string) {
		for _, imp := range imports {
			first, _, _ := strings.Cut(imp, "/")
			if strings.Contains(first, ".") && imp != module && !strings.HasPrefix(imp, module+"/") {
				t.Errorf("%s imports %q", file, imp)
			}
		}
	})
}

// The same error may end a program that starts, and be over by itself in one that
// runs. Only who runs it knows.
func TestAdviceOfStoresPromisesNothing(t *testing.T) {
	checked := 0
	eachGoFile(t, true, func(dir, file string, _ []string) {
		if !matchAny([]string{"store/...", "flask/cachelibstore"}, dir) || strings.HasSuffix(file, "_test.go") {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if text, ok := n.(*ast.BasicLit); ok && text.Kind == token.STRING {
				checked++
				if strings.Contains(text.Value, "goes on by itself") {
					t.Errorf("%s: %s", file, text.Value)
				}
			}
			return true
		})
	})
	if checked < 1000 {
		t.Errorf("only %d strings were checked: the walk is broken", checked)
	}
}

func rule(dir string) ([]string, bool) {
	for pattern, allowed := range mayImport {
		if matchAny([]string{pattern}, dir) {
			return allowed, true
		}
	}
	return nil, false
}

func matchAny(patterns []string, dir string) bool {
	for _, p := range patterns {
		folder, deep := strings.CutSuffix(p, "/...")
		if dir == folder || deep && strings.HasPrefix(dir, folder+"/") {
			return true
		}
	}
	return false
}

// eachGoFile calls f for every Go file of the root module or, if all is set, of
// all modules, with its folder relative to the root.
func eachGoFile(t *testing.T, all bool, f func(dir, file string, imports []string)) {
	t.Helper()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			_, err := os.Stat(filepath.Join(p, "go.mod"))
			other := err == nil && !all
			if p != "." && (other || p == "bin" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		var imports []string
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, imp)
		}
		dir := path.Dir(filepath.ToSlash(p))
		if dir == "." {
			dir = ""
		}
		f(dir, p, imports)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
