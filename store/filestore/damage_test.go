//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package filestore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// damages put something at the path of a record that is not the record.
var damages = map[string]func(t *testing.T, s *Store, path string) error{
	"empty":             func(t *testing.T, s *Store, path string) error { return os.WriteFile(path, nil, 0o600) },
	"foreign":           func(t *testing.T, s *Store, path string) error { return os.WriteFile(path, []byte("hello"), 0o600) },
	"foreign and large": func(t *testing.T, s *Store, path string) error { return os.WriteFile(path, make([]byte, 1<<20), 0o600) },
	"zeros of the right size": func(t *testing.T, s *Store, path string) error {
		fi, err := os.Stat(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, make([]byte, fi.Size()), 0o600)
	},
	"cut in the header": func(t *testing.T, s *Store, path string) error { return os.Truncate(path, headerSize-1) },
	"cut in the key":    func(t *testing.T, s *Store, path string) error { return os.Truncate(path, headerSize) },
	"another record's": func(t *testing.T, s *Store, path string) error {
		put(t, s, "another", "value")
		return os.Rename(fileOf(s, "another"), path)
	},
	"a directory": func(t *testing.T, s *Store, path string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.MkdirAll(filepath.Join(path, "full"), 0o700)
	},
	"a pipe": func(t *testing.T, s *Store, path string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return syscall.Mkfifo(path, 0o600)
	},
	"a symbolic link to a record": func(t *testing.T, s *Store, path string) error {
		elsewhere := filepath.Join(t.TempDir(), "elsewhere")
		if err := os.Rename(path, elsewhere); err != nil {
			return err
		}
		return os.Symlink(elsewhere, path)
	},
	"a dangling symbolic link": func(t *testing.T, s *Store, path string) error {
		if err := os.Remove(path); err != nil {
			return err
		}
		return os.Symlink("nowhere", path)
	},
}

// openers are the two ways in which record files are opened.
func openers(t *testing.T, f func(t *testing.T, s *Store)) {
	t.Run("at once", func(t *testing.T) { f(t, quiet(t)) })
	t.Run("stepwise", func(t *testing.T) {
		s := quiet(t)
		s.files.stepwise()
		f(t, s)
	})
}

func TestDamagedFilesAreReportedOnceAndKept(t *testing.T) {
	openers(t, func(t *testing.T, s *Store) {
		for name, damage := range damages {
			for op, call := range map[string]func(key string, prev store.Record) error{
				"Load":  func(key string, _ store.Record) error { _, err := s.Load(t.Context(), key); return err },
				"Save":  func(key string, prev store.Record) error { _, err := s.Save(t.Context(), key, prev, prev); return err },
				"Touch": func(key string, prev store.Record) error { return s.Touch(t.Context(), key, prev, time.Time{}) },
			} {
				t.Run(name+"/"+op, func(t *testing.T) {
					key := "k"
					path := fileOf(s, key)
					prev := put(t, s, key, "value")
					if err := damage(t, s, path); err != nil {
						t.Fatal(err)
					}
					err := call(key, prev)
					if !errors.Is(err, ErrDamaged) || errors.Is(err, store.ErrNotFound) || store.Advice(err) == "" {
						t.Errorf("%s = %v (%s), want ErrDamaged with advice", op, err, store.Advice(err))
					}
					kept, err := filepath.Glob(path + ".*.damaged")
					if err != nil || len(kept) != 1 {
						t.Errorf("kept %v, %v, want one file", kept, err)
					}
					if _, err := s.Load(t.Context(), key); !errors.Is(err, store.ErrNotFound) {
						t.Errorf("Load afterwards = %v, want ErrNotFound", err)
					}
					put(t, s, key, "again")
					if err := s.Delete(t.Context(), key); err != nil {
						t.Errorf("Delete = %v, want nil", err)
					}
					for _, file := range kept {
						os.RemoveAll(file)
					}
				})
			}
		}
	})
}

func TestEveryTornFileIsRecognised(t *testing.T) {
	s := quiet(t)
	put(t, s, "k", strings.Repeat("data", 3))
	put(t, s, "large", strings.Repeat("data", 3000))
	for _, key := range []string{"k", "large"} {
		whole, err := os.ReadFile(fileOf(s, key))
		if err != nil {
			t.Fatal(err)
		}
		for size := 0; size <= len(whole)+1; size += 1 + size/100 {
			torn := append(bytes.Clone(whole), 0)[:size]
			if size == len(whole) {
				continue
			}
			if err := os.WriteFile(fileOf(s, key), torn, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Load(t.Context(), key); !errors.Is(err, ErrDamaged) {
				t.Fatalf("Load of %d of %d bytes = %v, want ErrDamaged", size, len(whole), err)
			}
		}
	}
}

func TestALyingHeaderAllocatesNothing(t *testing.T) {
	s := quiet(t)
	put(t, s, "k", strings.Repeat("v", 2*pageSize))
	b, err := os.ReadFile(fileOf(s, "k"))
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(b[16:], MaxSize)
	if err := os.WriteFile(fileOf(s, "k"), reseal(b), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = s.Load(t.Context(), "k")
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > MaxSize/2 || !errors.Is(err, ErrDamaged) {
		t.Errorf("Load allocated %d bytes for a file of %d, and answers %v", got, len(b), err)
	}
}

func TestDeleteRemovesWhateverIsThere(t *testing.T) {
	s := quiet(t)
	for name, damage := range damages {
		t.Run(name, func(t *testing.T) {
			put(t, s, "k", "value")
			if err := damage(t, s, fileOf(s, "k")); err != nil {
				t.Fatal(err)
			}
			if err := s.Delete(t.Context(), "k"); err != nil {
				t.Errorf("Delete = %v, want nil", err)
			}
			put(t, s, "k", "again")
			s.Delete(t.Context(), "k")
		})
	}
}

func TestListPassesOverDamage(t *testing.T) {
	s := quiet(t)
	for _, key := range []string{"a", "b", "c"} {
		put(t, s, key, "v")
	}
	if err := os.Truncate(fileOf(s, "b"), 10); err != nil {
		t.Fatal(err)
	}
	got, last := 0, error(nil)
	for e, err := range s.List(t.Context(), "") {
		if last = err; err == nil && e.Key != "b" {
			got++
		}
	}
	if got != 2 || !errors.Is(last, ErrDamaged) {
		t.Errorf("List yields %d records and then %v, want 2 and ErrDamaged", got, last)
	}
	if _, err := os.Stat(fileOf(s, "b")); err != nil {
		t.Errorf("List moved the damaged file: %v", err)
	}
}

func TestRecordsOfTheNextVersionStay(t *testing.T) {
	s := quiet(t)
	prev := put(t, s, "k", "v")
	whole, err := os.ReadFile(fileOf(s, "k"))
	if err != nil {
		t.Fatal(err)
	}
	whole[len(magic)]++
	if err := os.WriteFile(fileOf(s, "k"), whole, 0o600); err != nil {
		t.Fatal(err)
	}
	_, loadErr := s.Load(t.Context(), "k")
	_, saveErr := s.Save(t.Context(), "k", prev, prev)
	_, createErr := s.Save(t.Context(), "k", store.Record{}, prev)
	for name, err := range map[string]error{"Load": loadErr, "Save": saveErr, "Save that creates": createErr,
		"Touch": s.Touch(t.Context(), "k", prev, time.Time{})} {
		if !errors.Is(err, store.ErrUnsupported) || store.Advice(err) == "" {
			t.Errorf("%s = %v, want ErrUnsupported with advice", name, err)
		}
	}
	if now, err := os.ReadFile(fileOf(s, "k")); err != nil || !bytes.Equal(now, whole) {
		t.Errorf("the file changed, %v", err)
	}
}

func TestLinkedDirectoriesAreNotFollowed(t *testing.T) {
	openers(t, func(t *testing.T, s *Store) {
		keepNothing(s) // or the record that it knows is found behind any link
		for _, up := range []string{"leaf", "shard"} {
			t.Run(up, func(t *testing.T) {
				prev := put(t, s, "k", "v")
				dir := filepath.Dir(fileOf(s, "k"))
				if up == "shard" {
					dir = filepath.Dir(dir)
				}
				away := filepath.Join(t.TempDir(), "away")
				if err := errors.Join(os.Rename(dir, away), os.Symlink(away, dir)); err != nil {
					t.Fatal(err)
				}
				_, loadErr := s.Load(t.Context(), "k")
				_, saveErr := s.Save(t.Context(), "k", prev, prev)
				_, createErr := s.Save(t.Context(), "k", store.Record{}, prev)
				_, cleanErr := s.DeleteExpired(t.Context(), 1)
				var listErr error
				for _, listErr = range s.List(t.Context(), "") {
				}
				for name, err := range map[string]error{
					"Load": loadErr, "Save": saveErr, "Save that creates": createErr, "DeleteExpired": cleanErr, "List": listErr,
					"Touch": s.Touch(t.Context(), "k", prev, time.Time{}), "Delete": s.Delete(t.Context(), "k"),
				} {
					if err == nil || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrConflict) || store.Advice(err) == "" {
						t.Errorf("%s = %v, want an error with advice", name, err)
					}
				}
				if err := errors.Join(os.Remove(dir), os.Rename(away, dir)); err != nil {
					t.Fatal(err)
				}
				wants(t, s, "k", "v")
				if err := s.Delete(t.Context(), "k"); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

func TestPlantedTemporaryFileIsNotWritten(t *testing.T) {
	s := quiet(t)
	prev := put(t, s, "k", "v")
	target := filepath.Join(t.TempDir(), "target")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	tmp := filepath.Join(filepath.Dir(fileOf(s, "k")), tmpName)
	for name, plant := range map[string]func() error{
		"symbolic link": func() error { return os.Symlink(target, tmp) },
		"hard link":     func() error { return os.Link(target, tmp) },
		"directory":     func() error { return os.MkdirAll(filepath.Join(tmp, "full"), 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			if err := plant(); err != nil {
				t.Fatal(err)
			}
			var err error
			if prev, err = s.Save(context.Background(), "k", prev, prev); err != nil {
				t.Errorf("Save = %v, want nil", err)
			}
			if b, err := os.ReadFile(target); err != nil || string(b) != "precious" {
				t.Errorf("the target is now %q, %v", b, err)
			}
		})
	}
}

// A reader without the lock may see half of a touch; it must look again, not
// call the record damaged.
func TestHalfATouchIsNotDamage(t *testing.T) {
	for name, read := range map[string]func(s *Store) (string, error){
		"Load": func(s *Store) (string, error) {
			r, err := s.Load(context.Background(), "k")
			return string(r.Data), err
		},
		"List": func(s *Store) (data string, err error) {
			n := nameOf("k")
			e, err := s.entry(context.Background(), "list", &n)
			return string(e.Record.Data), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := quiet(t)
			put(t, s, "k", "v")
			whole, err := os.ReadFile(fileOf(s, "k"))
			if err != nil {
				t.Fatal(err)
			}
			half := bytes.Clone(whole)
			half[expiryAt+7]++
			sh, err := s.lock(t.Context(), "test", shardOf("k"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(fileOf(s, "k"), half, 0o600); err != nil {
				t.Fatal(err)
			}
			type answer struct {
				data string
				err  error
			}
			answers := make(chan answer)
			go func() {
				data, err := read(s)
				answers <- answer{data, err}
			}()
			waitUntil(t, "the reader asks for the lock", func() bool {
				select {
				case a := <-answers:
					t.Fatalf("%s = %+v, want it to wait for the lock", name, a)
				default:
				}
				return waitingIn("Acquire")
			})
			if err := os.WriteFile(fileOf(s, "k"), whole, 0o600); err != nil {
				t.Fatal(err)
			}
			sh.Release()
			if a := <-answers; a.err != nil || a.data != "v" {
				t.Errorf("%s = %+v, want the record", name, a)
			}
		})
	}
}

func TestKeysNeverLeaveTheDirectory(t *testing.T) {
	s := quiet(t)
	outside := filepath.Dir(s.dir)
	for _, key := range []string{"..", "../x", "../../../../tmp/x", "/etc/passwd", ".", "a/b", `..\x`, "%2e%2e%2f",
		"~", "-rf", "con", "x.damaged", "tmp", "format", strings.Repeat("a", store.MaxKey), "A", "a"} {
		put(t, s, key, "of "+key)
	}
	for _, key := range []string{"..", "../x", "/etc/passwd", "A", "a"} {
		wants(t, s, key, "of "+key)
	}
	for _, key := range []string{"", "a\x00b", "a b", "ä", strings.Repeat("a", store.MaxKey+1)} {
		if _, err := s.Save(t.Context(), key, store.Record{}, store.Record{Data: []byte("v")}); !errors.Is(err, store.ErrKey) {
			t.Errorf("Save of %q = %v, want ErrKey", key, err)
		}
	}
	entries, err := os.ReadDir(outside)
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the store: %v, %v", entries, err)
	}
	for _, file := range files(t, s.dir) {
		if base := filepath.Base(file); strings.Contains(base, "passwd") || base == "a" {
			t.Errorf("a key shows in %s", file)
		}
	}
}
