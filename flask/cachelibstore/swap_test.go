package cachelibstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/internal/flock"
	"github.com/cloakroom/cloakroom/store"
)

// blind writes a record as cachelib does: without a lock, by os.replace.
func blind(t *testing.T, s *Store, key, data string, e expiry) {
	t.Helper()
	tmp := filepath.Join(s.dir, "tmpx"+tmpSuffix)
	err := os.WriteFile(tmp, append(e.append(nil), data...), 0o600)
	if err := errors.Join(err, os.Rename(tmp, s.path(nameOf(key)))); err != nil {
		t.Fatal(err)
	}
}

// during makes f happen once, right before a step.
func during(s *Store, step string, f func()) {
	s.fault = func(name string) error {
		if name == step && f != nil {
			g := f
			f = nil
			g()
		}
		return nil
	}
}

// bothWays runs a test with the exchange of files and without it.
func bothWays(t *testing.T, f func(t *testing.T, s *Store)) {
	t.Run("as the system can", func(t *testing.T) { f(t, quiet(t)) })
	t.Run("plain renames", func(t *testing.T) {
		s := quiet(t)
		s.plainRename = true
		f(t, s)
	})
}

func TestWhatPythonWritesBeforeTheSwapStays(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Store) {
		prev := put(t, s, "k", "ours", time.Time{})
		during(s, "rename", func() { blind(t, s, "k", "python's", never) })
		if _, err := s.Save(t.Context(), "k", prev, store.Record{Data: []byte("newer")}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
		wants(t, s, "k", "python's")
		tidy(t, s.dir)
	})
}

func TestWhatPythonDeletesBeforeTheSwapStaysAway(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Store) {
		prev := put(t, s, "k", "ours", time.Time{})
		during(s, "rename", func() { os.Remove(s.path(nameOf("k"))) })
		if _, err := s.Save(t.Context(), "k", prev, store.Record{Data: []byte("newer")}); !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
		missing(t, s, "k")
		tidy(t, s.dir)
	})
}

func TestWhatPythonCreatesBeforeTheSwapStays(t *testing.T) {
	bothWays(t, func(t *testing.T, s *Store) {
		during(s, "rename", func() { blind(t, s, "k", "python's", never) })
		_, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("ours")})
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("Save = %v, want ErrConflict", err)
		}
		wants(t, s, "k", "python's")
		tidy(t, s.dir)
	})
}

// Python writes once before the swap and once or twice before it is undone.
func TestWhatPythonWritesWhileASwapIsUndoneStays(t *testing.T) {
	for _, c := range []struct {
		name  string
		again []func(t *testing.T, s *Store)
		want  string
	}{
		{"written once more", []func(*testing.T, *Store){
			func(t *testing.T, s *Store) { blind(t, s, "k", "second", never) },
		}, "second"},
		{"written twice more", []func(*testing.T, *Store){
			func(t *testing.T, s *Store) { blind(t, s, "k", "second", never) },
			func(t *testing.T, s *Store) { blind(t, s, "k", "third", never) },
		}, "third"},
		{"deleted", []func(*testing.T, *Store){
			func(t *testing.T, s *Store) { os.Remove(s.path(nameOf("k"))) },
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := quiet(t)
			if err := s.exchange(s.path(countFile), s.path(countFile)); errors.Is(err, flock.ErrNoSwap) {
				t.Log("this system has no exchange to undo")
				return
			}
			prev := put(t, s, "k", "ours", time.Time{})
			left := c.again
			s.fault = func(step string) error {
				switch {
				case step == "rename":
					blind(t, s, "k", "first", never)
				case step == "give back" && len(left) > 0:
					left[0](t, s)
					left = left[1:]
				}
				return nil
			}
			_, err := s.Save(t.Context(), "k", prev, store.Record{Data: []byte("newer")})
			if !errors.Is(err, store.ErrConflict) || len(left) > 0 {
				t.Errorf("Save = %v, want ErrConflict; %d steps did not happen", err, len(left))
			}
			if c.want == "" {
				missing(t, s, "k")
			} else {
				wants(t, s, "k", c.want)
			}
			tidy(t, s.dir)
		})
	}
}

func TestWhatPythonWritesBeforeARemovalStays(t *testing.T) {
	soon := expiryOf(vectorNow.Add(time.Minute))
	for name, remove := range map[string]func(t *testing.T, s *Store, prev store.Record){
		"a save that deletes": func(t *testing.T, s *Store, prev store.Record) {
			if _, err := s.Save(t.Context(), "k", prev, store.Record{}); !errors.Is(err, store.ErrConflict) {
				t.Errorf("Save = %v, want ErrConflict", err)
			}
		},
		"a clean-up": func(t *testing.T, s *Store, _ store.Record) {
			s.now = func() time.Time { return vectorNow.Add(2 * time.Minute) }
			if n, err := s.DeleteExpired(t.Context(), 10); n != 0 || err != nil {
				t.Errorf("DeleteExpired = %d, %v, want 0", n, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, s *Store) {
				prev := put(t, s, "k", "ours", soon.time())
				during(s, "remove", func() { blind(t, s, "k", "python's", never) })
				remove(t, s, prev)
				wants(t, s, "k", "python's")
				counts(t, s, 1)
				tidy(t, s.dir)
			})
		})
	}
}

func TestTouchBesidePython(t *testing.T) {
	soon, far := expiryOf(vectorNow.Add(time.Minute)), vectorNow.Add(time.Hour)
	t.Run("replaced meanwhile", func(t *testing.T) {
		s := quiet(t)
		prev := put(t, s, "k", "ours", soon.time())
		during(s, "touch", func() { blind(t, s, "k", "python's", soon) })
		if err := s.Touch(t.Context(), "k", prev, far); err != nil {
			t.Errorf("Touch = %v, want nil", err)
		}
		if r := wants(t, s, "k", "python's"); !r.Expires.Equal(far) {
			t.Errorf("expiry %v, want %v", r.Expires, far)
		}
	})
	t.Run("deleted meanwhile", func(t *testing.T) {
		s := quiet(t)
		prev := put(t, s, "k", "ours", soon.time())
		during(s, "touch", func() { os.Remove(s.path(nameOf("k"))) })
		if err := s.Touch(t.Context(), "k", prev, far); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("Touch = %v, want ErrNotFound", err)
		}
		missing(t, s, "k")
	})
	t.Run("replaced by one that lives longer", func(t *testing.T) {
		s := quiet(t)
		prev := put(t, s, "k", "ours", soon.time())
		during(s, "touch", func() { blind(t, s, "k", "python's", never) })
		if err := s.Touch(t.Context(), "k", prev, far); err != nil {
			t.Errorf("Touch = %v, want nil", err)
		}
		if r := wants(t, s, "k", "python's"); !r.Expires.IsZero() {
			t.Errorf("expiry %v, want never", r.Expires)
		}
	})
}

var errInjected = errors.New("injected")

func TestFailingStepsLoseNothing(t *testing.T) {
	for _, step := range []string{"create", "write", "sync", "rename", "remove", "touch", "sync directory"} {
		t.Run(step, func(t *testing.T) {
			s := at(t, t.TempDir(), Options{}, vectorNow)
			soon, far := vectorNow.Add(time.Minute), vectorNow.Add(time.Hour)
			prev := put(t, s, "k", "old", soon)
			s.fault = func(name string) error {
				if name == step {
					return errInjected
				}
				return nil
			}
			_, saveErr := s.Save(t.Context(), "k", prev, store.Record{Data: []byte("new"), Expires: soon})
			_, createErr := s.Save(t.Context(), "l", store.Record{}, store.Record{Data: []byte("new")})
			touchErr := s.Touch(t.Context(), "k", prev, far)
			deleteErr := s.Delete(t.Context(), "k")
			if err := errors.Join(saveErr, createErr, touchErr, deleteErr); !errors.Is(err, errInjected) {
				t.Errorf("errors = %v, want the injected one", err)
			}
			for _, err := range []error{saveErr, createErr, touchErr, deleteErr} {
				if err != nil && !errors.Is(err, errInjected) {
					t.Errorf("error = %v, want nil or the injected one", err)
				}
			}
			s.fault = nil
			if _, err := s.Load(t.Context(), "k"); deleteErr == nil != errors.Is(err, store.ErrNotFound) && step != "sync directory" {
				t.Errorf("Load = %v after Delete = %v", err, deleteErr)
			}
			if step == "create" || step == "write" || step == "rename" || step == "sync" {
				missing(t, s, "l")
			}
			tidy(t, s.dir)
		})
	}
}

func TestNoPathOrNameInErrors(t *testing.T) {
	s := quiet(t)
	if err := os.Mkdir(s.path(nameOf("k")), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := s.Load(t.Context(), "k")
	if err == nil || errors.Is(err, store.ErrNotFound) || store.Advice(err) == "" {
		t.Errorf("Load of a directory = %v (%s), want an error with advice", err, store.Advice(err))
	}
	if err := fail("load", "open", &fs.PathError{Op: "open", Path: "/secret", Err: fs.ErrPermission}); err.Error() != "cachelibstore: load: open: permission denied" {
		t.Errorf("error %q", err)
	}
}

// What a Save has put in its place but will take back was never there.
func TestLoadDuringASwapThatIsUndone(t *testing.T) {
	s := quiet(t)
	if errors.Is(s.exchange(s.path(countFile), s.path(countFile)), flock.ErrNoSwap) {
		t.Log("this system has no exchange to undo")
		return
	}
	prev := put(t, s, "k", "ours", time.Time{})
	loaded := make(chan string, 1)
	s.fault = func(step string) error {
		switch step {
		case "rename":
			blind(t, s, "k", "python's", never)
		case "give back":
			if f, _, err := openPlain(s.path(nameOf("k")), os.O_RDONLY); err != nil || !flock.IsLocked(f) {
				t.Errorf("the file that takes the name is not locked, %v", err)
			}
			go func() {
				r, _ := s.Load(t.Context(), "k")
				loaded <- string(r.Data)
			}()
			for !waitingFor("Acquire") && len(loaded) == 0 {
				runtime.Gosched()
			}
		}
		return nil
	}
	if _, err := s.Save(t.Context(), "k", prev, store.Record{Data: []byte("newer")}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save = %v, want ErrConflict", err)
	}
	if got := <-loaded; got != "python's" {
		t.Errorf("Load during the swap = %q, want what stays", got)
	}
}

// waitingFor reports whether a goroutine waits for a channel in a method of
// a lock.
func waitingFor(method string) bool {
	buf := make([]byte, 1<<20)
	for g := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		head, _, _ := strings.Cut(g, "(0x")
		if strings.Contains(head, "[select") && strings.HasSuffix(head, ".(*Lock)."+method) {
			return true
		}
	}
	return false
}
