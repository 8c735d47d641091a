// Package releases_test has two releases of the library at work on one store, as
// in a fleet that is being updated: the present one, and the last one whose
// sessions ended without a mark.
package releases_test

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/codec"
	"github.com/cloakroom/cloakroom/internal/integration/releases/service"
	"github.com/cloakroom/cloakroom/internal/testserver"
	"github.com/cloakroom/cloakroom/store"
)

// olderRelease is what the library was in commit 1720b53, the last one without
// marks and without _cloakroom in records: the root module and redisstore, without
// their tests. It is kept here, since a checkout may come without its history. It
// was made by git archive, and does not change.
const olderRelease = "testdata/older.tar.gz"

const root = "../../.."

// The present service is this test binary again.
const serveFlag = "-serve"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == serveFlag {
		fmt.Fprintln(os.Stderr, service.Run(os.Args[2:]))
		os.Exit(1)
	}
	testserver.Main(m)
}

// A release is one of the two.
type release int

const (
	older release = iota
	newer
)

func (r release) String() string { return [...]string{"the older release", "the newer release"}[r] }
func (r release) other() release { return 1 - r }

// The options of both releases.
type options struct {
	codec     codec.Codec
	key       string // seals records
	lifetime  time.Duration
	permanent bool
}

const (
	idle     = time.Hour
	lifetime = 24 * time.Hour
)

func (o options) flags() []string {
	return []string{"-codec=" + o.codec.Name(), "-key=" + o.key, "-idle=" + idle.String(),
		"-lifetime=" + o.lifetime.String(), "-permanent=" + strconv.FormatBool(o.permanent)}
}

// Both releases keep their sessions in one store.
func TestTwoReleases(t *testing.T) {
	oldProgram := build(t)
	for _, c := range []struct {
		name  string
		store func(t *testing.T) string // its URL
		options
	}{
		{"files", files, options{codec: codec.MsgPack, lifetime: lifetime}},
		{"files, sealed, permanent", files, options{codec: codec.JSON, key: "not a real key, but a long one...", lifetime: cloakroom.NoLimit, permanent: true}},
		{"Redis", redis, options{codec: codec.JSON, lifetime: lifetime}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, oldProgram, c.store(t), c.options)
			t.Run("visits", s.testVisits)
			t.Run("in flight", s.testFlights)
			t.Run("marks", s.testMarks)
			t.Run("life", s.testLife)
		})
	}
}

func files(t *testing.T) string {
	return "file:" + filepath.Join(t.TempDir(), "sessions") + "?unsynced=true" // no computer is switched off here
}

func redis(t *testing.T) string {
	return "redis://" + testserver.Start(t, testserver.Redis()).Addr()
}

// A site is served by both releases.
type site struct {
	urls  [2]string
	store store.Store // what both are on, as the present release opens it
	options
}

func serve(t *testing.T, oldProgram, address string, o options) *site {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{options: o}
	if s.store, err = service.Openers.Open(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close(s.store) })
	for r, program := range map[release][]string{older: {oldProgram}, newer: {self, serveFlag}} {
		p := testserver.Start(t, testserver.Server{Program: program[0], Args: func(p *testserver.Process) []string {
			return append(append(program[1:], "-addr="+p.Addr(), "-store="+address), o.flags()...)
		}})
		s.urls[r] = "http://" + p.Addr()
	}
	return s
}

// build builds the service with the older release, and returns the program.
func build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	old, program := filepath.Join(dir, "old"), filepath.Join(dir, "program")
	if err := unpack(olderRelease, old); err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("service/service.go")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(root + "/store/redisstore/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(root + "/store/redisstore/go.sum")
	if err != nil {
		t.Fatal(err)
	}
	// The older release with the driver of the present one, which is on this machine.
	name := regexp.MustCompile(`(?m)^module .*`)
	mod = name.ReplaceAll(mod, []byte("module example.com/program"))
	mod = fmt.Appendf(mod, `
require github.com/cloakroom/cloakroom/store/redisstore v0.0.0
replace github.com/cloakroom/cloakroom => %q
replace github.com/cloakroom/cloakroom/store/redisstore => %q
`, old, filepath.Join(old, "store", "redisstore"))
	for name, text := range map[string][]byte{
		"go.mod":             mod,
		"go.sum":             sum,
		"service/service.go": source,
		"main.go":            []byte(mainSource),
	} {
		path := filepath.Join(program, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", "service.exe", ".")
	cmd.Dir = program
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS=-buildvcs=false")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build the older release's service: %v\n%s", err, out)
	}
	return filepath.Join(program, "service.exe")
}

const mainSource = `package main

import (
	"log"
	"os"

	"example.com/program/service"
)

func main() { log.Fatal(service.Run(os.Args[1:])) }
`

// unpack writes the files of an archive into a folder.
func unpack(archive, dir string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close()
	text, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	for files := tar.NewReader(text); ; {
		h, err := files.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		content, err := io.ReadAll(files)
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			return err
		}
	}
}
