package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// A staged module is one with the sums of those that it requires.
type staged struct {
	*mod
	gomod, gosum []byte
	zip          []byte // of released ones
}

// all computes what each module is when released. Zips have their go.sum file
// in them, and so each needs those of the modules before it.
func (t *tree) all() ([]*staged, error) {
	sums := map[string][2]string{} // by path, the sums of the zip and of go.mod
	var all []*staged
	for _, m := range t.modules {
		s := &staged{mod: m}
		var err error
		if s.gomod, err = os.ReadFile(filepath.Join(t.root, m.dir, "go.mod")); err != nil {
			return nil, err
		}
		old, err := os.ReadFile(filepath.Join(t.root, m.dir, "go.sum"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		lines := withoutOwn(old)
		for _, r := range m.requires {
			lines = fmt.Appendf(lines, "%s %s %s\n%[1]s %[2]s/go.mod %[4]s\n", r, t.version, sums[r][0], sums[r][1])
		}
		s.gosum = sortSums(lines)
		if m.released {
			if err := t.pack(s); err != nil {
				return nil, fmt.Errorf("%s: %w", m.path, err)
			}
			if sums[m.path], err = hashes(s); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}

// pack makes the zip of a module, as it is without the go.sum file if that is empty.
func (t *tree) pack(s *staged) error {
	var files []zip.File
	for _, f := range s.files {
		if f != "go.sum" {
			files = append(files, file{name: f, real: filepath.Join(t.root, s.dir, f)})
		}
	}
	if len(s.gosum) > 0 {
		files = append(files, file{name: "go.sum", text: s.gosum})
	}
	var buf bytes.Buffer
	if err := zip.Create(&buf, module.Version{Path: s.path, Version: t.version}, files); err != nil {
		return err
	}
	s.zip = buf.Bytes()
	return nil
}

// hashes returns the sums of a zip and of a go.mod file.
func hashes(s *staged) (sums [2]string, err error) {
	tmp, err := os.CreateTemp("", "cloakroom-*.zip")
	if err != nil {
		return sums, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(s.zip)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return sums, err
	}
	if sums[0], err = dirhash.HashZip(tmp.Name(), dirhash.Hash1); err != nil {
		return sums, err
	}
	sums[1], err = dirhash.Hash1([]string{"go.mod"}, func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(s.gomod)), nil
	})
	return sums, err
}

// writeSums brings the sums of our own modules in go.sum files up to date.
func (t *tree) writeSums() error {
	all, err := t.all()
	if err != nil {
		return err
	}
	for _, s := range all {
		if len(s.gosum) == 0 {
			continue
		}
		if err := write(filepath.Join(t.root, s.dir, "go.sum"), s.gosum); err != nil {
			return err
		}
	}
	return nil
}

// stage writes the zips as a file-system proxy, and go.mod and go.sum files
// for -modfile.
func (t *tree) stage(dir string) error {
	all, err := t.all()
	if err != nil {
		return err
	}
	if err := t.checkSums(all); err != nil {
		return err
	}
	for _, name := range []string{"proxy", "mod"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	put := func(text []byte, name ...string) {
		if err == nil {
			file := filepath.Join(append([]string{dir}, name...)...)
			if err = os.MkdirAll(filepath.Dir(file), 0o755); err == nil {
				err = os.WriteFile(file, text, 0o644)
			}
		}
	}
	for _, s := range all {
		put(s.gomod, "mod", s.dir, "go.mod")
		put(s.gosum, "mod", s.dir, "go.sum")
		if !s.released {
			continue
		}
		info := fmt.Appendf(nil, "{%q:%q}\n", "Version", t.version)
		put(info, "proxy", s.path, "@latest")
		put([]byte(t.version+"\n"), "proxy", s.path, "@v", "list")
		put(info, "proxy", s.path, "@v", t.version+".info")
		put(s.gomod, "proxy", s.path, "@v", t.version+".mod")
		put(s.zip, "proxy", s.path, "@v", t.version+".zip")
	}
	return err
}

// checkSums refuses sums of our own modules that are not those of this tree:
// the commit of a release alone has any.
func (t *tree) checkSums(all []*staged) error {
	for _, s := range all {
		old, err := os.ReadFile(filepath.Join(t.root, s.dir, "go.sum"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if bytes.Contains(old, []byte(library)) && !bytes.Equal(old, s.gosum) {
			return fmt.Errorf("%s/go.sum has sums of %s %s, which this tree is not; after a release, scripts/release --next names the version that comes next", s.dir, library, t.version)
		}
	}
	return nil
}

// withoutOwn returns a go.sum file without the lines of our own modules.
func withoutOwn(text []byte) []byte {
	var rest []byte
	for line := range bytes.Lines(text) {
		if p, _, _ := strings.Cut(string(line), " "); !own(p) {
			rest = append(rest, line...)
		}
	}
	return rest
}

// sortSums puts the lines of a go.sum file into the order that the go command has.
func sortSums(text []byte) []byte {
	sums := map[module.Version]string{}
	var mods []module.Version
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 3 {
			m := module.Version{Path: f[0], Version: f[1]}
			sums[m] = f[2]
			mods = append(mods, m)
		}
	}
	module.Sort(mods)
	var sorted []byte
	for _, m := range slices.Compact(mods) {
		sorted = fmt.Appendf(sorted, "%s %s %s\n", m.Path, m.Version, sums[m])
	}
	return sorted
}

// A file is one of a zip: one of the disk, or a text.
type file struct {
	name, real string
	text       []byte
}

func (f file) Path() string { return f.name }

func (f file) Lstat() (fs.FileInfo, error) {
	if f.real != "" {
		return os.Lstat(f.real)
	}
	return f, nil
}

func (f file) Open() (io.ReadCloser, error) {
	if f.real != "" {
		return os.Open(f.real)
	}
	return io.NopCloser(bytes.NewReader(f.text)), nil
}

// What a text has in place of a file's properties.
func (f file) Name() string       { return f.name }
func (f file) Size() int64        { return int64(len(f.text)) }
func (f file) Mode() fs.FileMode  { return 0o644 }
func (f file) ModTime() time.Time { return time.Time{} }
func (f file) IsDir() bool        { return false }
func (f file) Sys() any           { return nil }
