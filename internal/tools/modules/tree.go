package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// library is the path of the root module, with which all others' begin.
const library = "github.com/cloakroom/cloakroom"

// workspace is the module that makes the workspace independent of releases; tools
// are not in the workspace.
const (
	workspace = "internal/workspace"
	tools     = "internal/tools"
)

// A tree is the repository as it is on the disk.
type tree struct {
	root    string
	modules []*mod // each after what it requires
	version string // what go.mod files require of each other
}

// A mod is one module of the tree.
type mod struct {
	dir      string // slash-separated, "." for the root
	path     string
	released bool
	file     *modfile.File
	requires []string // paths of our own modules
	files    []string // relative to dir
}

// load reads the modules of the tree and checks the rules for their go.mod files.
func load(root string) (*tree, error) {
	files, err := gitFiles(root)
	if err != nil {
		return nil, err
	}
	t := &tree{root: root}
	for _, f := range files {
		if path.Base(f) == "go.mod" && !strings.Contains(f, "testdata/") {
			m, err := t.read(path.Dir(f))
			if err != nil {
				return nil, err
			}
			t.modules = append(t.modules, m)
		}
	}
	if !slices.ContainsFunc(t.modules, func(m *mod) bool { return m.dir == "." && m.path == library }) {
		return nil, fmt.Errorf("%s is not the root of %s", root, library)
	}
	for _, f := range files {
		m := t.owner(f)
		m.files = append(m.files, strings.TrimPrefix(f, strings.TrimPrefix(m.dir+"/", "./")))
	}
	return t, errors.Join(t.sort(), t.check())
}

// gitFiles returns the files that git knows or would add, and that exist.
func gitFiles(root string) ([]string, error) {
	cmd := exec.Command("git", "ls-files", "-coz", "--exclude-standard")
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var files []string
	for f := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, f))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() {
			files = append(files, f)
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}

// read reads the go.mod file of a folder.
func (t *tree) read(dir string) (*mod, error) {
	name := path.Join(dir, "go.mod")
	text, err := os.ReadFile(filepath.Join(t.root, name))
	if err != nil {
		return nil, err
	}
	m := &mod{dir: dir, path: library}
	if dir != "." {
		m.path += "/" + dir
	}
	m.released = !strings.HasPrefix(dir, "internal/") && dir != "bench"
	if m.file, err = modfile.Parse(name, text, nil); err != nil {
		return nil, err
	}
	if got := m.file.Module.Mod.Path; got != m.path {
		return nil, fmt.Errorf("%s: the module is called %s, want %s", name, got, m.path)
	}
	for _, r := range m.file.Require {
		if own(r.Mod.Path) {
			m.requires = append(m.requires, r.Mod.Path)
		}
	}
	return m, nil
}

func own(modulePath string) bool {
	return modulePath == library || strings.HasPrefix(modulePath, library+"/")
}

// owner returns the module that a file belongs to.
func (t *tree) owner(file string) *mod {
	var best *mod
	for _, m := range t.modules {
		if m.dir == "." || strings.HasPrefix(file, m.dir+"/") {
			if best == nil || best.dir == "." || len(m.dir) > len(best.dir) {
				best = m
			}
		}
	}
	return best
}

// sort puts each module after those that it requires.
func (t *tree) sort() error {
	var done []*mod
	for left := t.modules; len(left) > 0; {
		ready := func(m *mod) bool {
			return !slices.ContainsFunc(m.requires, func(p string) bool {
				return slices.ContainsFunc(left, func(other *mod) bool { return other.path == p })
			})
		}
		var next []*mod
		for _, m := range left {
			if ready(m) {
				next = append(next, m)
			}
		}
		if len(next) == 0 {
			return errors.New("modules require each other in a circle")
		}
		slices.SortFunc(next, func(a, b *mod) int { return cmp.Compare(a.dir, b.dir) })
		done = append(done, next...)
		left = slices.DeleteFunc(slices.Clone(left), func(m *mod) bool { return slices.Contains(next, m) })
	}
	t.modules = done
	return nil
}

// check holds the rules: one version everywhere, nothing replaced, and a
// workspace that knows all modules.
func (t *tree) check() error {
	var errs []error
	fail := func(m *mod, format string, args ...any) {
		errs = append(errs, fmt.Errorf(path.Join(m.dir, "go.mod")+": "+format, args...))
	}
	license, err := os.ReadFile(filepath.Join(t.root, "LICENSE"))
	errs = append(errs, err)
	uses := map[string]bool{}
	excluded := map[string]bool{}
	for _, m := range t.modules {
		for _, r := range m.file.Require {
			if own(r.Mod.Path) && t.version == "" {
				t.version = r.Mod.Version
			}
			if own(r.Mod.Path) && r.Mod.Version != t.version {
				fail(m, "requires %s, others %s", r.Mod, t.version)
			}
		}
		for _, e := range m.file.Exclude {
			if m.dir == workspace {
				excluded[e.Mod.String()] = true
			}
		}
		if len(m.file.Replace) > 0 {
			fail(m, "has a replace")
		}
		if text, err := os.ReadFile(filepath.Join(t.root, m.dir, "LICENSE")); err != nil || !bytes.Equal(text, license) {
			fail(m, "the folder needs a copy of the LICENSE: module zips have the files of their folder only")
		}
		if m.dir != tools {
			uses[m.dir] = true
		}
	}
	if !semver.IsValid(t.version) || semver.Canonical(t.version) != t.version {
		errs = append(errs, fmt.Errorf("go.mod files require version %q of each other", t.version))
	}
	want := map[string]bool{}
	for _, m := range t.modules {
		if m.released {
			want[m.path+"@"+t.version] = true
		}
	}
	errs = append(errs, sameSet(workspace+"/go.mod excludes", excluded, want))

	text, err := os.ReadFile(filepath.Join(t.root, "go.work"))
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	work, err := modfile.ParseWork("go.work", text, nil)
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	if len(work.Replace) > 0 {
		errs = append(errs, errors.New("go.work has a replace"))
	}
	used := map[string]bool{}
	for _, u := range work.Use {
		used[path.Clean(u.Path)] = true
	}
	return errors.Join(append(errs, sameSet("go.work uses", used, uses))...)
}

func sameSet(what string, got, want map[string]bool) error {
	var errs []error
	for w := range want {
		if !got[w] {
			errs = append(errs, fmt.Errorf("%s no %s", what, w))
		}
	}
	for g := range got {
		if !want[g] {
			errs = append(errs, fmt.Errorf("%s %s, which is none of the modules", what, g))
		}
	}
	return errors.Join(errs...)
}

// ownLine is a mention of one of our own modules with a version.
var ownLine = regexp.MustCompile(`(` + regexp.QuoteMeta(library) + `[a-z/]*) v[0-9]\S*`)

// set lets all go.mod files name another version. The sums of the one before
// go, since those of the next are not known.
func (t *tree) set(version string) error {
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return fmt.Errorf("%q is no version such as v1.2.3", version)
	}
	if err := module.Check(library, version); err != nil {
		return err // from v2 on the module paths have to end in it
	}
	for _, m := range t.modules {
		name := filepath.Join(t.root, m.dir, "go.mod")
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := write(name, ownLine.ReplaceAll(text, []byte("${1} "+version))); err != nil {
			return err
		}
		name = filepath.Join(t.root, m.dir, "go.sum")
		text, err = os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if rest := withoutOwn(text); len(rest) > 0 {
			err = write(name, rest)
		} else {
			err = os.Remove(name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// write replaces a file if it is to change.
func write(name string, text []byte) error {
	if old, err := os.ReadFile(name); err == nil && bytes.Equal(old, text) {
		return nil
	}
	return os.WriteFile(name, text, 0o644)
}
