package guarantee_test

import (
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/cloakroom/cloakroom"
	"github.com/cloakroom/cloakroom/internal/sitetest"
	"github.com/cloakroom/cloakroom/store/filestore"
)

// What goes wrong with the disk below a file store: the visitor gets a 503, the
// log says what to do, and nothing is lost once that is done. Linux only, for
// how the troubles are made.

// diskTroubles break the directory and return what repairs it.
var diskTroubles = []struct {
	name   string
	advice string // words of it
	make   func(t *testing.T, dir string) (repair func())
	reads  bool // reading still works
}{
	{"the disk is full", "Free space", fillDisk, true},
	{"the directory is not writable", "Give the session directory and everything in it to the user who runs the program (chown -R), and make it writable (chmod -R u+rwX).", denyWriting, true},
	{"the directory went away", "Bring the session directory back", moveAway, false},
}

func TestTroubleWithTheDisk(t *testing.T) {
	for _, tr := range diskTroubles {
		t.Run(tr.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "sessions")
			if tr.name == "the disk is full" {
				mountSmall(t, filepath.Dir(dir))
			}
			s := sitetest.NewOn(t, sitetest.Files(t, dir, filestore.Options{SweepInterval: -1}), plain())
			kept := map[string]any{"name": "ada", "many": strings.Repeat("y", 10_000)}
			type visit struct {
				name string
				use  func(*cloakroom.Session)
				by   *sitetest.Browser
				got  *sitetest.Answer
			}
			visits := []visit{
				{name: "write", use: sitetest.Set("page", strings.Repeat("x", 100_000))},
				{name: "count", use: sitetest.Count},
				{name: "regenerate", use: (*cloakroom.Session).Regenerate},
				{name: "logout", use: (*cloakroom.Session).Destroy}, // last, since it makes room on a full disk
			}
			for i := range visits {
				visits[i].by = s.Begin(t, kept)
			}
			repair := tr.make(t, dir)
			for i, v := range visits {
				visits[i].got = v.by.Visit(v.use)
			}
			readable := visits[1].by.Visit(func(s *cloakroom.Session) { s.Get("name") })
			repair()
			if tr.reads != readable.OK() {
				t.Errorf("reading: got %v, want that it works: %t", readable, tr.reads)
			}
			if log := strings.Join(s.Log.Lines(), "\n"); !strings.Contains(log, tr.advice) {
				t.Errorf("logged %s, want advice with the words %q", log, tr.advice)
			}
			for _, v := range visits {
				if v.name == "logout" && v.got.OK() && v.by.Values() == nil {
					continue // removing a file needs no space
				}
				mustBeClosed(t, v.by, v.got)
				if got := v.by.Values(); !maps.Equal(got, kept) {
					t.Errorf("%s: after the repair the session has %d values, want %d", v.name, len(got), len(kept))
				}
				if a := v.by.Visit(v.use); !a.OK() {
					t.Errorf("%s: after the repair got %v, want 200", v.name, a)
				}
			}
		})
	}
}

// mountSmall puts a small file system below dir if that is allowed; fillDisk
// tells whether it was.
func mountSmall(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		return
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
}

func fillDisk(t *testing.T, dir string) func() {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		t.Fatal(err)
	}
	if fs.Blocks*uint64(fs.Bsize) > 1<<20 {
		if os.Getenv("CI") == "true" {
			t.Fatal("cannot mount a small file system here: run the tests as root, with CAP_SYS_ADMIN")
		}
		t.Skip("needs the right to mount a small file system")
	}
	filler := filepath.Join(filepath.Dir(dir), "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	f.Close()
	return func() { os.Remove(filler) }
}

// denyWriting takes away the right to write in the directories. Root may do
// so all the same, so the thread that root's test runs in becomes another user.
func denyWriting(t *testing.T, dir string) func() {
	const nobody = 65534
	change := func(mode os.FileMode) {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && os.Geteuid() == 0 {
				err = os.Lchown(path, nobody, nobody)
			}
			if err == nil && d.IsDir() {
				err = os.Chmod(path, mode)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	change(0o500)
	if os.Geteuid() != 0 {
		return func() { change(0o700) }
	}
	// The two directories of t.TempDir are root's alone too.
	for _, above := range []string{filepath.Dir(dir), filepath.Dir(filepath.Dir(dir))} {
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	runtime.LockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setfsuid(0); err != nil {
			t.Fatal(err)
		}
		runtime.UnlockOSThread()
		change(0o700)
	}
}

func moveAway(t *testing.T, dir string) func() {
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Rename(dir+".away", dir); err != nil {
			t.Fatal(err)
		}
	}
}

// A record that was damaged on the disk costs the visitor an error page, once,
// and is kept for a look.
func TestDamagedFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "sessions")
	s := sitetest.NewOn(t, sitetest.Files(t, dir, filestore.Options{SweepInterval: -1}), plain())
	b := s.Begin(t, map[string]any{"name": "ada"})
	ticket := b.Ticket()
	files, err := filepath.Glob(filepath.Join(dir, "??", "?", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("got %d files and %v, want the record's", len(files), err)
	}
	if err := os.Truncate(files[0], 40); err != nil {
		t.Fatal(err)
	}
	mustBeClosed(t, b, b.Visit(func(s *cloakroom.Session) { s.Get("name") }))
	if log := strings.Join(s.Log.Lines(), "\n"); !strings.Contains(log, ".damaged") {
		t.Errorf("logged %s, want advice about .damaged files", log)
	}
	if a := b.OK(sitetest.Set("name", "eve")); len(a.SetCookie) != 1 || b.Ticket() == ticket {
		t.Errorf("the next request: got %v, want a new session", a)
	}
	if kept, _ := filepath.Glob(files[0] + "*.damaged"); len(kept) != 1 {
		t.Errorf("%d damaged files were kept, want 1", len(kept))
	}
	if b.Values() == nil {
		t.Error("the new ticket opens nothing")
	}
}
