package filestore

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/store"
)

// cached opens a store in a new directory whose records are kept.
func cached(t *testing.T, opts Options) *Store {
	t.Helper()
	opts.SweepInterval = -1
	s := open(t, filepath.Join(t.TempDir(), "sessions"), opts)
	needsKept(t, s)
	return s
}

// beside opens the directory of s once more: nothing but files is shared with
// another process.
func beside(t *testing.T, s *Store) *Store {
	t.Helper()
	return open(t, s.dir, Options{Unsynced: true, SweepInterval: -1})
}

// inMemory reports whether a Load would not read the file.
func inMemory(s *Store, key string) bool {
	n := nameOf(key)
	p := s.page()
	defer s.pages.Put(p)
	_, ok := s.known(p, &n)
	return ok
}

// stampFor is the stamp of a key's file.
func stampFor(t *testing.T, s *Store, key string) stamp {
	t.Helper()
	st, err := stampAt(append([]byte(fileOf(s, key)), 0))
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// setTimes sets a file's modification time as the stamp has it.
func setTimes(path string, st stamp) error {
	return os.Chtimes(path, time.Time{}, time.Unix(st.mtime.sec, int64(st.mtime.nsec)))
}

func TestRecordsAreKept(t *testing.T) {
	for _, c := range []struct {
		name string
		opts Options
	}{{"synced", Options{}}, {"unsynced", Options{Unsynced: true}}} {
		t.Run(c.name, func(t *testing.T) {
			s := cached(t, c.opts)
			other := beside(t, s)
			r := put(t, s, "k", "v")
			if !inMemory(s, "k") {
				t.Error("a record that was created is not kept")
			}
			r, err := s.Save(t.Context(), "k", r, store.Record{Data: []byte("w"), Expires: time.Now().Add(time.Hour)})
			if err != nil || !inMemory(s, "k") {
				t.Errorf("a record that was saved is not kept, %v", err)
			}
			got := wants(t, s, "k", "w")
			if &got.Data[0] != &r.Data[0] || got.Token != r.Token || !got.Expires.Equal(r.Expires) {
				t.Errorf("Load = %v, want what was saved, %v", got, r)
			}
			first := wants(t, other, "k", "w")
			if again := wants(t, other, "k", "w"); &first.Data[0] != &again.Data[0] {
				t.Error("a record that was read is read again")
			}
			if err := other.Touch(t.Context(), "k", r, time.Now().Add(2*time.Hour)); err != nil {
				t.Fatal(err)
			}
			wants(t, s, "k", "w")
			if !inMemory(s, "k") {
				t.Error("a record that another one touched is not kept when it is read again")
			}
		})
	}
}

// A Save that follows a Save or Load needs no look into the file.
func TestSaveComparesWithWhatIsKept(t *testing.T) {
	s := cached(t, Options{})
	other := beside(t, s)
	r := put(t, s, "k", "1")
	if err := os.Chmod(fileOf(s, "k"), 0); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 && inMemory(s, "k") {
		t.Error("a changed mode goes unnoticed")
	}
	if err := os.Chmod(fileOf(s, "k"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, s, "k", "1")
	n := nameOf("k")
	k := s.cache.get(&n)
	k.record.Token++ // so that what Save compares with shows
	if _, err := s.Save(t.Context(), "k", r, r); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save = %v, want ErrConflict: it is to compare with memory", err)
	}
	k.record.Token--
	newer, err := other.Save(t.Context(), "k", r, store.Record{Data: []byte("2")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Save(t.Context(), "k", r, store.Record{Data: []byte("3")}); !errors.Is(err, store.ErrConflict) {
		t.Errorf("Save over what another process saved = %v, want ErrConflict", err)
	}
	if _, err := s.Save(t.Context(), "k", newer, store.Record{Data: []byte("3")}); err != nil {
		t.Errorf("Save = %v, want nil", err)
	}
	wants(t, other, "k", "3")
}

// Whatever another program does to the file of a record that is kept, the next
// Load tells of it.
func TestChangesByOthersAreSeen(t *testing.T) {
	type world struct {
		*testing.T
		s, other *Store
		r        store.Record
		path     string
		before   stamp
		old      []byte // the file before the last save
	}
	later := time.Now().Add(time.Hour).UTC().Round(0)
	for _, c := range []struct {
		name    string
		change  func(w *world) error
		data    string // after it; empty for none
		expires time.Time
	}{
		{"saved", func(w *world) error {
			_, err := w.other.Save(w.Context(), "k", w.r, store.Record{Data: []byte("new")})
			return err
		}, "new", time.Time{}},
		{"touched", func(w *world) error { return w.other.Touch(w.Context(), "k", w.r, later) }, "now", later},
		{"deleted", func(w *world) error { return w.other.Delete(w.Context(), "k") }, "", time.Time{}},
		{"deleted and created", func(w *world) error {
			err := w.other.Delete(w.Context(), "k")
			put(w.T, w.other, "k", "new")
			return err
		}, "new", time.Time{}},
		{"an older file put back, with its time", func(w *world) error {
			tmp := w.path + ".copy"
			return errors.Join(os.WriteFile(tmp, w.old, 0o600), setTimes(tmp, w.before), os.Rename(tmp, w.path))
		}, "old", w0},
		{"an older file written into it, with the time of this one", func(w *world) error {
			return errors.Join(os.WriteFile(w.path, w.old, 0o600), setTimes(w.path, w.before))
		}, "old", w0},
		{"removed and written again, with its time", func(w *world) error {
			return errors.Join(os.Remove(w.path), os.WriteFile(w.path, w.old, 0o600), setTimes(w.path, w.before))
		}, "old", w0},
		{"its time set back", func(w *world) error {
			return os.Chtimes(w.path, time.Time{}, time.Unix(1000, 0))
		}, "now", w0},
		{"its directory replaced", func(w *world) error {
			dir := filepath.Dir(w.path)
			return errors.Join(os.Rename(dir, dir+"x"), os.Mkdir(dir, 0o700), os.WriteFile(w.path, w.old, 0o600), setTimes(w.path, w.before))
		}, "old", w0},
		{"its directory moved away behind a link, with another one in its place", func(w *world) error {
			dir := filepath.Dir(w.path)
			return errors.Join(os.Rename(dir, dir+"x"), os.Mkdir(dir, 0o700))
		}, "", w0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := cached(t, Options{})
			w := &world{T: t, s: s, other: beside(t, s), path: fileOf(s, "k")}
			w.r = store.Record{}
			expires := w0
			if c.name == "touched" {
				expires = time.Now().Add(time.Minute)
			}
			save := func(data string) {
				var err error
				if w.r, err = s.Save(t.Context(), "k", w.r, store.Record{Data: []byte(data), Expires: expires}); err != nil {
					t.Fatal(err)
				}
			}
			save("old")
			var err error
			if w.old, err = os.ReadFile(w.path); err != nil {
				t.Fatal(err)
			}
			save("now")
			w.before = stampFor(t, s, "k")
			if !inMemory(s, "k") {
				t.Fatal("the record is not kept")
			}
			if err := c.change(w); err != nil {
				t.Fatal(err)
			}
			r, err := s.Load(t.Context(), "k")
			if c.data == "" {
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("Load = %q, %v, want ErrNotFound", r.Data, err)
				}
				return
			}
			if err != nil || string(r.Data) != c.data || !r.Expires.Equal(c.expires) {
				t.Errorf("Load = %q until %v, %v, want %q until %v", r.Data, r.Expires, err, c.data, c.expires)
			}
			if r, err = s.Save(t.Context(), "k", r, store.Record{Data: []byte("end")}); err != nil {
				t.Errorf("Save of what was loaded = %v, want nil", err)
			}
			wants(t, w.other, "k", "end")
		})
	}
}

// w0 is the expiry of a record that never expires.
var w0 time.Time

// One store changes a record as fast as it can, so that inodes are used again
// and the file system's clock stands still between many changes. Another one
// must see each of them.
func TestFastChangesAreSeen(t *testing.T) {
	for name, still := range map[string]bool{"as the system can": false, "by marks alone": true} {
		t.Run(name, func(t *testing.T) {
			writer := cached(t, Options{Unsynced: true})
			reader := beside(t, writer)
			writer.stillClock, reader.stillClock = still, still
			ctx := t.Context()
			never, far := time.Time{}, time.Now().Add(time.Hour)
			var r store.Record
			for i := range 3000 {
				data := strconv.Itoa(10_000 + i) // of one size
				var err error
				switch {
				case i%7 == 6:
					if err = writer.Delete(ctx, "k"); err == nil {
						if _, err := reader.Load(ctx, "k"); !errors.Is(err, store.ErrNotFound) {
							t.Fatalf("round %d: Load of a deleted record = %v", i, err)
						}
						r, err = writer.Save(ctx, "k", store.Record{}, store.Record{Data: []byte(data), Expires: far})
					}
				case i%3 == 2 && !r.Expires.Equal(never):
					data = string(r.Data)
					r.Expires = r.Expires.Add(time.Second)
					err = writer.Touch(ctx, "k", r, r.Expires)
				default:
					r, err = writer.Save(ctx, "k", r, store.Record{Data: []byte(data), Expires: far})
				}
				if err != nil {
					t.Fatal(err)
				}
				for range rand.IntN(3) { // nothing, the file, or memory
					got, err := reader.Load(ctx, "k")
					if err != nil || string(got.Data) != data || !got.Expires.Equal(r.Expires) || got.Token != r.Token {
						t.Fatalf("round %d: Load = %q until %v, %v, want %q until %v", i, got.Data, got.Expires, err, data, r.Expires)
					}
				}
			}
		})
	}
}

// What a Load has read may be old by the time it is kept.
func TestChangesWhileALoadReadsAreSeen(t *testing.T) {
	far := time.Now().Add(time.Hour).UTC().Round(0)
	for name, change := range map[string]func(s *Store, r store.Record) error{
		"touched": func(s *Store, r store.Record) error { return s.Touch(context.Background(), "k", r, far) },
		"saved": func(s *Store, r store.Record) error {
			_, err := s.Save(context.Background(), "k", r, store.Record{Data: []byte("w"), Expires: far})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := cached(t, Options{})
			writer := beside(t, s)
			s.stillClock, writer.stillClock = true, true
			r, err := writer.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("v"), Expires: time.Now().Add(time.Minute)})
			if err != nil {
				t.Fatal(err)
			}
			s.fault = func(step string) error {
				if step != "have read" {
					return nil
				}
				s.fault = nil
				return change(writer, r)
			}
			wants(t, s, "k", "v")
			if s.fault != nil {
				t.Error("the Load read no file")
			}
			if got, err := s.Load(t.Context(), "k"); err != nil || !got.Expires.Equal(far) {
				t.Errorf("Load afterwards = %v, %v, want the expiry %v", got.Expires, err, far)
			}
		})
	}
}

// Readers that come in the middle of a touch must not keep what they see of it
// for longer than the touch lasts.
func TestReadersDuringATouchKeepNothingWrong(t *testing.T) {
	writer := cached(t, Options{Unsynced: true})
	reader := beside(t, writer)
	reader.stillClock = true
	ctx := context.Background()
	r, err := writer.Save(ctx, "k", store.Record{}, store.Record{Data: []byte("v"), Expires: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for !stop.Load() {
				reader.Load(ctx, "k")
			}
		})
	}
	for i := range 1500 {
		r.Expires = r.Expires.Add(time.Second)
		if err := writer.Touch(ctx, "k", r, r.Expires); err != nil {
			t.Fatal(err)
		}
		if got, err := reader.Load(ctx, "k"); err != nil || !got.Expires.Equal(r.Expires) {
			t.Fatalf("touch %d: Load = %v, %v, want the expiry %v", i, got.Expires, err, r.Expires)
		}
	}
	stop.Store(true)
	readers.Wait()
}

// The clock of the computer may be set back, and the file's time may be in the
// future, for other reasons too.
func TestTouchMarksWhateverTheClockSays(t *testing.T) {
	s := cached(t, Options{})
	s.stillClock = true
	other := beside(t, s)
	r, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("v"), Expires: time.Now().Add(time.Minute)})
	if err != nil {
		t.Fatal(err)
	}
	st := stampFor(t, s, "k")
	st.mtime.sec += 100_000
	if err := setTimes(fileOf(s, "k"), st); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		wants(t, s, "k", "v")
		if !inMemory(s, "k") {
			t.Fatal("the record is not kept")
		}
		before := stampFor(t, s, "k")
		r.Expires = r.Expires.Add(time.Minute)
		if err := other.Touch(t.Context(), "k", r, r.Expires); err != nil {
			t.Fatal(err)
		}
		after := stampFor(t, s, "k")
		if after.mtime.sec <= before.mtime.sec || after.mtime.nsec != before.mtime.nsec {
			t.Errorf("touch %d: the file's time went from %v to %v, want a later second and the same mark", i, before.mtime, after.mtime)
		}
		if got := wants(t, s, "k", "v"); !got.Expires.Equal(r.Expires) {
			t.Errorf("touch %d: expiry %v, want %v", i, got.Expires, r.Expires)
		}
	}
}

// A touch by a program that sets no mark, or that died before it did, leaves a
// file that is read each time.
func TestFilesWithoutAMarkAreNotKept(t *testing.T) {
	s := cached(t, Options{})
	put(t, s, "k", "v")
	for name, spoil := range map[string]func(path string) error{
		"a time of somebody else's": func(path string) error { return os.Chtimes(path, time.Time{}, time.Now()) },
		"whole seconds":             func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1_800_000_000, 0)) },
		"written into": func(path string) error {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt(b[expiryAt:headerSize], expiryAt)
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			if err := spoil(fileOf(s, "k")); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				wants(t, s, "k", "v")
				if inMemory(s, "k") {
					t.Error("the record is kept")
				}
			}
			r := wants(t, s, "k", "v")
			if _, err := s.Save(t.Context(), "k", r, r); err != nil || !inMemory(s, "k") {
				t.Errorf("after a Save, %v, the record is kept: %v", err, inMemory(s, "k"))
			}
		})
	}
}

// A store that keeps nothing shares the directory with one that does.
func TestCacheBesideAStoreWithout(t *testing.T) {
	s := cached(t, Options{})
	without := open(t, s.dir, Options{Cache: -1, Unsynced: true, SweepInterval: -1})
	r, err := s.Save(t.Context(), "k", store.Record{}, store.Record{Data: []byte("1"), Expires: time.Now().Add(time.Minute)})
	for i := 2; i < 50 && err == nil; i++ {
		r.Expires = r.Expires.Add(time.Minute)
		if err = without.Touch(t.Context(), "k", r, r.Expires); err != nil {
			break
		}
		if got := wants(t, s, "k", string(r.Data)); !got.Expires.Equal(r.Expires) {
			t.Fatalf("round %d: expiry %v, want %v", i, got.Expires, r.Expires)
		}
		data := strconv.Itoa(i)
		r, err = without.Save(t.Context(), "k", r, store.Record{Data: []byte(data), Expires: r.Expires})
		wants(t, s, "k", data)
	}
	if err != nil {
		t.Error(err)
	}
}

// Of a file system on a network, what the system says may be seconds old.
func TestOnlyLocalFileSystemsAreTrusted(t *testing.T) {
	for _, dir := range []string{"/proc", "/sys", "/nowhere"} {
		if device := localDevice(dir); device != 0 {
			t.Errorf("%s is on device %x, want none that is trusted", dir, device)
		}
	}
	s := cached(t, Options{})
	put(t, s, "a", "v")
	s.keptDevice.Add(1) // as if something else were mounted within the directory
	put(t, s, "b", "v")
	wants(t, s, "b", "v")
	if inMemory(s, "b") {
		t.Error("a record of another file system is kept")
	}
	s.keptDevice.Store(0)
	put(t, s, "c", "v")
	wants(t, s, "c", "v")
	if inMemory(s, "c") {
		t.Error("a record is kept though the file system is not trusted")
	}
	st := stampFor(t, s, "c")
	if r := wants(t, s, "c", "v"); st.mtime.nsec == markOf(r.Token) {
		t.Error("a file has a mark though the file system is not trusted")
	}
}

// The file system may be another one after the volume was away.
func TestRemountedVolumeIsJudgedAnew(t *testing.T) {
	s := cached(t, Options{})
	put(t, s, "k", "v")
	s.keptDevice.Store(0)
	st := *s.identity.seen.Load()
	st.dev++
	s.identity.seen.Store(&st)
	if _, err := s.Load(t.Context(), "absent"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("Load = %v, want ErrNotFound", err)
	}
	if !s.keeps() {
		t.Error("after the volume came back, nothing is kept")
	}
}

// Of a record that has expired in memory the file is asked. It may live on
// there, if whoever touched it died before it set the mark.
func TestExpiryIsNotSaidFromMemory(t *testing.T) {
	s := cached(t, Options{})
	r := put(t, s, "k", "v")
	n := nameOf("k")
	r.Expires = time.Unix(1, 0)
	s.cache.put(&n, s.cache.get(&n).stamp, r)
	if r = wants(t, s, "k", "v"); !r.Expires.IsZero() {
		t.Errorf("Load gives the expiry %v, want never", r.Expires)
	}
}

// Whatever has become of the record's file in the middle of a save: a plain
// rename does what the exchange cannot.
func TestUnsyncedSaveWithoutAnExchange(t *testing.T) {
	for name, prepare := range map[string]func(s *Store, path string) error{
		"not possible":      func(s *Store, _ string) error { s.noSwap.Store(true); return nil },
		"the file vanished": func(_ *Store, path string) error { return os.Remove(path) },
	} {
		t.Run(name, func(t *testing.T) {
			s := cached(t, Options{Unsynced: true})
			r := put(t, s, "k", "v")
			s.fault = func(step string) error {
				if step == "rename" {
					return prepare(s, fileOf(s, "k"))
				}
				return nil
			}
			if _, err := s.Save(t.Context(), "k", r, store.Record{Data: []byte("w")}); err != nil {
				t.Errorf("Save = %v, want nil", err)
			}
			wants(t, s, "k", "w")
			for _, file := range files(t, s.dir) {
				if strings.HasSuffix(file, "/"+tmpName) {
					t.Errorf("left behind: %s", file)
				}
			}
		})
	}
}
