package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A release is made, in a clone with fewer modules and checks that take no
// time; then scripts/compat is to find what a released store no longer gets.
func TestReleaseAndCompatibility(t *testing.T) {
	c := newClone(t)
	c.replace("store/memcachedstore/memcachedstore.go", "\n// Options ", "\nvar _ = flock.Exclusive\n\n// Options ")
	c.replace("store/memcachedstore/memcachedstore.go", `"github.com/cloakroom/cloakroom/store"`, `"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"`)
	c.write("internal/flock/exclusive.go", "package flock\n\nfunc Exclusive() {}\n")
	c.commit("a store uses a package of the root that is internal")
	c.want("no release yet", "scripts/compat")

	c.run("scripts/proxy", "bin/.outside") // builds the tool
	version := strings.TrimPrefix(strings.TrimSpace(c.run("bin/modules", "version")), "v")
	c.fails("go.mod files name", "scripts/release", "1.99.0")
	c.write("stray", "")
	c.fails("not clean", "scripts/release", version)
	c.remove("stray")
	c.want("committed and tagged", "scripts/release", version)

	tags := strings.Fields(c.run("git", "tag", "--points-at", "HEAD"))
	want := []string{"examples/v" + version, "store/memcachedstore/v" + version, "store/sqlstore/v" + version, "v" + version}
	if strings.Join(tags, " ") != strings.Join(want, " ") {
		t.Errorf("tags %v, want %v", tags, want)
	}
	if got := c.run("git", "show", "--format=", "--name-only", "HEAD"); !strings.Contains(got, "CHANGELOG.md") || strings.Contains(got, "go.mod") {
		t.Errorf("the commit of the release changes\n%s", got)
	}
	if text := c.read("CHANGELOG.md"); !regexp.MustCompile(`(?m)^## Unreleased\n\n## \[` + regexp.QuoteMeta(version) + `\] - \d{4}-\d\d-\d\d$`).MatchString(text) {
		t.Errorf("CHANGELOG.md begins\n%.500s", text)
	}
	if text := c.read("store/memcachedstore/go.sum"); strings.Count(text, library+" v"+version) != 2 {
		t.Errorf("memcachedstore's go.sum is\n%s", text)
	}
	c.fails("does not come after", "scripts/release", version)

	// What was released may not change under the same version.
	c.replace("doc.go", "package cloakroom", "package cloakroom // changed")
	c.fails("scripts/release --next", "bin/modules", "stage", "bin/stage")
	c.run("git", "checkout", "-q", ".")

	c.want("1.99.0", "scripts/release", "--next", "1.99.0")
	if got := strings.TrimSpace(c.run("bin/modules", "version")); got != "v1.99.0" {
		t.Errorf("go.mod files name %s, want v1.99.0", got)
	}
	if _, err := os.Stat(filepath.Join(c.dir, "store/memcachedstore/go.sum")); err == nil {
		t.Error("sums of the released modules are left")
	}
	c.want("the stores of v"+version, "scripts/compat")
	c.replace("internal/flock/exclusive.go", "func Exclusive", "func More() {}\n\nfunc Exclusive")
	c.want("the stores of v"+version, "scripts/compat")
	c.replace("internal/flock/exclusive.go", "func Exclusive", "func Renamed")
	c.replace("store/memcachedstore/memcachedstore.go", "flock.Exclusive", "flock.Renamed")
	c.fails("do not build", "scripts/compat")
}

// A clone is a copy of the working tree, as a repository of its own.
type clone struct {
	t   *testing.T
	dir string
}

// newClone leaves out the modules that have drivers, and with them most of the time.
func newClone(t *testing.T) *clone {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	files, err := gitFiles(root)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	c := &clone{t, t.TempDir()}
	kept := regexp.MustCompile(`^(bench|cmd|internal/integration|store/(cachestore|dynamostore|mongostore|redisstore))/`)
	for _, f := range files {
		if kept.MatchString(f) {
			continue
		}
		info, err := os.Stat(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(root, f))
		if err != nil {
			t.Fatal(err)
		}
		c.write(f, string(text))
		if err := os.Chmod(filepath.Join(c.dir, f), info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
	left := regexp.MustCompile(`(?m)^.*(/bench|/cmd|/integration|/cachestore|/dynamostore|/mongostore|/redisstore)( v.*)?\n`)
	for _, f := range []string{"go.work", "internal/workspace/go.mod"} {
		c.write(f, left.ReplaceAllString(c.read(f), ""))
	}
	c.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n- A change.\n")
	c.write("Makefile", "lint test:\n\techo checked\n")
	c.run("git", "init", "-q", "-b", "main")
	c.commit("all")
	return c
}

func (c *clone) write(name, text string) {
	c.t.Helper()
	name = filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clone) read(name string) string {
	c.t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(text)
}

func (c *clone) remove(name string) {
	c.t.Helper()
	if err := os.Remove(filepath.Join(c.dir, name)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *clone) replace(name, old, text string) {
	c.t.Helper()
	before := c.read(name)
	after := strings.Replace(before, old, text, 1)
	if before == after {
		c.t.Fatalf("%s has no %q", name, old)
	}
	c.write(name, after)
}

func (c *clone) commit(message string) {
	c.t.Helper()
	c.run("git", "add", "-A")
	c.run("git", "commit", "-qm", message)
}

func (c *clone) try(name string, args ...string) (string, error) {
	if strings.Contains(name, "/") {
		name = filepath.Join(c.dir, name)
	}
	cmd := exec.CommandContext(c.t.Context(), name, args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GOWORK=", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=test", "GIT_AUTHOR_EMAIL=test@example.com",
		"GIT_COMMITTER_NAME=test", "GIT_COMMITTER_EMAIL=test@example.com")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

func (c *clone) run(name string, args ...string) string {
	c.t.Helper()
	out, err := c.try(name, args...)
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// want runs a command that succeeds and prints a text.
func (c *clone) want(text, name string, args ...string) {
	c.t.Helper()
	if out := c.run(name, args...); !strings.Contains(out, text) {
		c.t.Errorf("%s %s prints\n%s, want %q", name, strings.Join(args, " "), out, text)
	}
}

// fails runs a command that fails and prints a text.
func (c *clone) fails(text, name string, args ...string) {
	c.t.Helper()
	if out, err := c.try(name, args...); err == nil || !strings.Contains(out, text) {
		c.t.Errorf("%s %s prints\n%s and ends with %v, want %q and a failure", name, strings.Join(args, " "), out, err, text)
	}
}
