package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/filestore"
)

// unlockable are the tool's stores on a system that cannot lock files.
func unlockable() store.Openers {
	known := openers()
	known["file"] = func(context.Context, *url.URL) (store.Store, error) {
		return nil, fmt.Errorf("filestore: open: %w", filestore.ErrNoLocks)
	}
	return known
}

// atHome gives the test a home of its own, whatever the system calls it.
func atHome(t *testing.T) {
	t.Helper()
	home := t.TempDir()
	for _, name := range []string{"HOME", "LocalAppData", "home"} {
		t.Setenv(name, home)
	}
	t.Setenv("XDG_CACHE_HOME", "")
}

// Where files cannot be locked, as on Windows, the demo has to run all the same,
// and its sessions outlive it.
func TestDemoWithoutLocksKeepsSessionsInSQLite(t *testing.T) {
	atHome(t)
	open := func() *place {
		t.Helper()
		p, err := openPlace(t.Context(), unlockable(), "file", "")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := open()
	saved, err := p.store.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("Ada"), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "cloakroom", "demo")
	if _, err := os.Stat(filepath.Join(dir, "sessions.db")); err != nil {
		t.Errorf("its file: %v", err)
	}
	var out bytes.Buffer
	(&demoCmd{Addr: "localhost:0"}).welcome(&out, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, p)
	for _, line := range []string{
		"    Sessions  in a file of SQLite, " + filepath.Join(dir, "sessions.db"),
		"              Not in files of their own: this system cannot lock files",
		"              To forget them all, stop it and delete the folder " + dir,
	} {
		if !strings.Contains(out.String(), line+"\n") {
			t.Errorf("it prints\n%s\nwithout the line\n%s", out.String(), line)
		}
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	p = open()
	defer p.close()
	if got, err := p.store.Load(t.Context(), "k"); err != nil || got.Token != saved.Token || string(got.Data) != "Ada" {
		t.Errorf("the next run loads %q, error %v; want what the one before has saved", got.Data, err)
	}
}

// A directory that was asked for is not replaced by something else.
func TestFilesWithoutLocksAreRefused(t *testing.T) {
	p, err := openPlace(t.Context(), unlockable(), "file:"+t.TempDir(), "")
	if err == nil {
		p.close()
		t.Fatal("it opens files that it cannot lock")
	}
	var out bytes.Buffer
	report(&out, err, exitFailure)
	if got := out.String(); !strings.Contains(got, "cannot lock files") || !strings.Contains(got, "use --store sqlite:FILE, or --store memory") {
		t.Errorf("it says %q, want why, and what to do", got)
	}
}
